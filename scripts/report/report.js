// SPDX-License-Identifier: GPL-2.0
// All of the page works without this, but the filters and the Escape key.
"use strict";
for (const input of document.querySelectorAll("input[data-rows]")) {
	input.addEventListener("input", () => {
		const words = input.value.toLowerCase().split(/\s+/);
		for (const body of document.getElementById(input.dataset.rows).tBodies) {
			let shown = 0;
			for (const row of body.rows) {
				if (row.className === "group")
					continue;
				const text = row.textContent.toLowerCase();
				row.hidden = !words.every(word => text.includes(word));
				shown += !row.hidden;
			}
			body.hidden = !shown;
		}
	});
}
addEventListener("keydown", event => {
	if (event.key === "Escape")
		location.hash = "-";
});
