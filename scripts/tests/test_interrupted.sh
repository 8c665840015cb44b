#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A download that was interrupted goes on later; a killed run leaves nothing.
. "$(dirname "$0")/lib/fake.bash"

# a curl that stops half-way, as when the line is cut, then hangs
cat >"$tmp/bin/curl" <<EOF
#!/bin/bash
while [[ \$1 != -o ]]; do shift; done
head -c 100 $tmp/src/linux-0.1.tar.xz >"\$2"
touch $tmp/half
exec sleep 60
EOF
chmod +x "$tmp/bin/curl"
PATH=$tmp/bin:$PATH setsid "$s/series/source.sh" >"$tmp/out" 2>&1 &
pid=$!
for ((i = 0; i < 100; i++)); do
	[[ ! -e $tmp/half ]] || break
	sleep 0.1
done
kill -TERM -- "-$pid"
wait "$pid" || :
no_rest 'cut download'
[[ $(ls "$b/download") == linux-0.1.tar.xz.part ]] || bad "after the cut: $(ls "$b/download")"
want 0 '' "$s/series/source.sh"
[[ $(ls "$b/download") == linux-0.1.tar.xz ]] || bad "after going on: $(ls "$b/download")"

# a .part that is whole already, and one that is longer than the file
rm -rf "$b/linux"
mv "$b/download/linux-0.1.tar.xz" "$b/download/linux-0.1.tar.xz.part"
want 0 '' "$s/series/source.sh"
rm -rf "$b/linux"
mv "$b/download/linux-0.1.tar.xz" "$b/download/linux-0.1.tar.xz.part"
echo more >>"$b/download/linux-0.1.tar.xz.part"
"$s/series/source.sh" >/dev/null 2>&1 || want 0 '' "$s/series/source.sh"

# killed for good while it commits: the next run clears up
rm -rf "$b/linux"
mkdir -p "$b/linux.tmp.1/mm"
want 0 '' "$s/series/source.sh"
rm -rf "$b/download"
[[ $(ls "$b") == linux ]] || bad "stale folders: $(ls "$b")"

# ended from outside while it unpacks
rm -rf "$b/linux"
cat >"$tmp/bin/xz" <<EOF
#!/bin/bash
/usr/bin/xz "\$@" | head -c 5000
touch $tmp/unpacking
exec sleep 60
EOF
chmod +x "$tmp/bin/xz"
rm "$tmp/bin/curl"
PATH=$tmp/bin:$PATH setsid "$s/series/source.sh" >"$tmp/out" 2>&1 &
pid=$!
for ((i = 0; i < 100; i++)); do
	[[ ! -e $tmp/unpacking ]] || break
	sleep 0.1
done
kill -INT -- "-$pid" 2>/dev/null
kill -TERM -- "-$pid" 2>/dev/null
wait "$pid" || :
no_rest 'ended while unpacking'
end
