// What makes the pages more comfortable; all of them work without it.

// Copy buttons: <button data-copy="id of the element with the text">.
for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
        const source = document.getElementById(button.dataset.copy);
        await navigator.clipboard.writeText("value" in source ? source.value : source.textContent);
        const label = button.querySelector("[data-label]") ?? button;
        const before = label.textContent;
        label.textContent = "Copied";
        setTimeout(() => { label.textContent = before; }, 1500);
    });
}

// Show what is typed into a password field: <button data-reveal="id of the input">.
for (const button of document.querySelectorAll("[data-reveal]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
        const input = document.getElementById(button.dataset.reveal);
        const shown = input.type === "text";
        input.type = shown ? "password" : "text";
        button.textContent = shown ? "Show" : "Hide";
        button.setAttribute("aria-pressed", String(!shown));
    });
}

// Parts of a form that only matter for one choice: data-when="name=value other".
function applyConditions(form) {
    for (const part of form.querySelectorAll("[data-when]")) {
        const [name, values] = part.dataset.when.split("=");
        const chosen = new FormData(form).get(name) ?? "";
        part.hidden = !values.split(" ").includes(chosen);
    }
}
for (const form of document.querySelectorAll("form:has([data-when])")) {
    applyConditions(form);
    form.addEventListener("change", () => applyConditions(form));
}

// A filter applies as soon as it is chosen.
for (const select of document.querySelectorAll("select[data-submit]"))
    select.addEventListener("change", () => select.form.requestSubmit());

// "/" goes to the search field of the page, as in most tools of this kind.
document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]"))
        return;
    const search = document.querySelector(".search input");
    if (search) {
        event.preventDefault();
        search.focus();
        search.select();
    }
});

// A second click on a slow button does not send a form twice.
document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post")
        return;
    if (event.target.dataset.sent)
        event.preventDefault();
    event.target.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
    for (const form of document.forms)
        delete form.dataset.sent;
});

// Times are shown in the reader's zone; the server writes them in UTC.
for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime()))
        continue;
    time.title = time.textContent;
    time.textContent = "clock" in time.dataset
        ? at.toLocaleTimeString(undefined, { timeStyle: "medium" })
        : "date" in time.dataset
        ? at.toLocaleDateString(undefined, { dateStyle: "medium" })
        : at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
