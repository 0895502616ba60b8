// What makes the webmail quick: new mail appears by itself, keys, selecting, files. All of it works without, a little slower.

const root = document.querySelector(".mail");
root.classList.add("scripted");
const list = document.querySelector(".mail-list");
const message = document.querySelector(".mail-message");
const letter = document.querySelector(".mail-letter");

// ---- dates in the reader's zone ----

for (const time of document.querySelectorAll(".mail-date")) {
    const at = new Date(time.dateTime), now = new Date();
    const today = at.toDateString() === now.toDateString();
    const year = at.getFullYear() === now.getFullYear();
    time.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });
    time.textContent = today ? at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
        : at.toLocaleDateString(undefined, year ? { day: "numeric", month: "short" } : { day: "numeric", month: "short", year: "numeric" });
}

for (const star of document.querySelectorAll(".mail-row .mail-star"))
    star.title = star.getAttribute("aria-label");

// ---- questions before what can't be undone ----

document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-confirm]");
    if (button && !window.confirm(button.dataset.confirm))
        event.preventDefault();
});

// Moving needs no second click: choosing the folder does it.
for (const select of document.querySelectorAll("[data-move]")) {
    const button = select.parentElement.querySelector("button");
    button.hidden = true;
    select.addEventListener("change", () => { if (select.value) select.form.requestSubmit(button); });
}

// A menu closes with a click elsewhere, or Escape.
document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".mail-person[open]"))
        if (!menu.contains(event.target))
            menu.open = false;
});

// ---- the list: selecting ----

const boxes = list ? [...list.querySelectorAll('input[name="uid"]')] : [];
const tools = list?.querySelector("[data-tools]");
const all = list?.querySelector("[data-all]");

function showSelection() {
    const chosen = boxes.filter((box) => box.checked).length;
    if (tools)
        tools.hidden = chosen === 0;
    list.classList.toggle("selecting", chosen > 0);
    if (all) {
        all.checked = chosen > 0 && chosen === boxes.length;
        all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
}

if (list) {
    let last = null;
    for (const part of list.querySelectorAll(".mail-all"))
        part.hidden = false;
    all?.addEventListener("change", () => {
        for (const box of boxes)
            box.checked = all.checked;
        showSelection();
    });
    for (const box of boxes) {
        box.addEventListener("click", (event) => { // with Shift: everything from the last one on
            if (event.shiftKey && last && last !== box) {
                const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
                for (const between of boxes.slice(from, to + 1))
                    between.checked = box.checked;
            }
            last = box;
            showSelection();
        });
    }
    window.addEventListener("pageshow", showSelection);
    showSelection();
}

// ---- moving by hand: rows onto folders ----

for (const row of list?.querySelectorAll(".mail-row") ?? []) {
    row.draggable = true;
    row.addEventListener("dragstart", (event) => {
        const box = row.querySelector('input[name="uid"]');
        if (!box.checked) {
            for (const other of boxes)
                other.checked = other === box;
            showSelection();
        }
        event.dataTransfer.setData("application/x-mansio-mail", "1");
        event.dataTransfer.effectAllowed = "move";
    });
}
for (const folder of list ? document.querySelectorAll("[data-folder]") : []) {
    const option = [...list.querySelectorAll("[data-move] option")].find((o) => o.value === folder.dataset.folder);
    if (!option)
        continue;
    folder.addEventListener("dragover", (event) => {
        if (event.dataTransfer.types.includes("application/x-mansio-mail")) {
            event.preventDefault();
            folder.classList.add("drop");
        }
    });
    folder.addEventListener("dragleave", () => folder.classList.remove("drop"));
    folder.addEventListener("drop", (event) => {
        event.preventDefault();
        const select = list.querySelector("[data-move]");
        select.value = option.value;
        list.requestSubmit(select.parentElement.querySelector("button"));
    });
}

// ---- keys ----

const KEYS = [
    ["j, k", "next, previous"], ["Enter, o", "open"], ["x", "select"], ["e", "archive"], ["#", "move to the trash"], ["!", "junk"],
    ["s", "flag"], ["u", "mark as unread"], ["r", "reply"], ["a", "reply all"], ["f", "forward"], ["c", "write"], ["g i", "to the inbox"],
    ["/", "search"], ["Ctrl Enter", "send"], ["Escape", "back"],
];

function showKeys() {
    const dialog = document.createElement("dialog"), table = document.createElement("dl");
    dialog.className = "mail-keys";
    dialog.append(Object.assign(document.createElement("h2"), { textContent: "Keys" }), table);
    for (const [key, what] of KEYS) {
        const name = document.createElement("dt");
        name.append(Object.assign(document.createElement("kbd"), { textContent: key }));
        table.append(name, Object.assign(document.createElement("dd"), { textContent: what }));
    }
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", () => dialog.close());
    document.body.append(dialog);
    dialog.showModal();
}

const rows = list ? [...list.querySelectorAll(".mail-row")] : [];
let current = -1;

function go(step) {
    if (rows.length === 0)
        return;
    rows[current]?.classList.remove("current");
    current = Math.max(0, Math.min(rows.length - 1, current + step));
    rows[current].classList.add("current");
    rows[current].querySelector(".mail-link").focus({ preventScroll: true });
    rows[current].scrollIntoView({ block: "nearest" });
}

function act(name) {
    if (list && current >= 0 && !boxes.some((box) => box.checked))
        boxes[current].checked = true;
    if (list && !boxes.some((box) => box.checked))
        return;
    const form = list ?? message?.querySelector(".mail-bar");
    form?.querySelector(`button[value="${name}"]`)?.click();
}

function follow(selector) { document.querySelector(selector)?.click(); }

const actions = {
    j: () => (message ? follow('.mail-pager [rel="next"]') : go(1)),
    k: () => (message ? follow('.mail-pager [rel="prev"]') : go(-1)),
    o: () => rows[current]?.querySelector(".mail-link").click(),
    x: () => { if (boxes[current]) { boxes[current].checked = !boxes[current].checked; showSelection(); } },
    e: () => act("archive"),
    "#": () => act("delete"),
    "!": () => act("junk"),
    u: () => act("unread"),
    s: () => (message ? message.querySelector(".mail-star").click() : rows[current]?.querySelector(".mail-star").click()),
    r: () => message && location.assign(message.dataset.reply),
    a: () => message && location.assign(message.dataset.replyAll),
    f: () => message && location.assign(message.dataset.forward),
    c: () => location.assign("/mail/write"),
    "?": showKeys,
    Escape: () => (message ? follow("[data-back]") : null),
};
let before = "";

document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && letter) {
        event.preventDefault();
        letter.querySelector('button[value="send"]').click();
        return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select, dialog"))
        return;
    if (before === "g" && event.key === "i")
        location.assign("/mail/");
    else if (actions[event.key]) {
        event.preventDefault();
        actions[event.key]();
    }
    before = event.key;
});

// ---- news ----

const box = root.dataset.box;
const title = document.title;
let known = Number(list?.dataset.uidnext ?? 0);

function showCounts(folders) {
    for (const { box: name, count } of folders) {
        const link = document.querySelector(`[data-folder="${CSS.escape(name)}"]`);
        let badge = link?.querySelector(".count");
        if (!link)
            continue;
        if (!badge && count)
            link.append(badge = Object.assign(document.createElement("span"), { className: "count" }));
        if (badge) {
            badge.textContent = count;
            badge.hidden = !count;
        }
        if (name === "INBOX")
            document.title = count && list && box === "INBOX" ? `(${count}) ${title}` : title;
    }
}

/* The list is loaded anew where nobody is at work on it, else offered. */
async function showNewMail() {
    if (boxes.some((one) => one.checked)) {
        if (!list.querySelector(".mail-new")) {
            const button = Object.assign(document.createElement("button"), { type: "button", className: "mail-new", textContent: "New mail. Show it" });
            button.addEventListener("click", () => location.reload());
            list.querySelector(".mail-bar").after(button);
        }
        return;
    }
    location.reload();
}

async function askForNews() {
    if (document.hidden)
        return;
    try {
        const reply = await fetch(`/mail/news?box=${encodeURIComponent(box)}`, { headers: { Accept: "application/json" } });
        if (reply.status === 401)
            location.reload();
        if (!reply.ok)
            return;
        const news = await reply.json();
        showCounts(news.folders);
        if (list && known && news.uidnext > known) {
            known = news.uidnext;
            await showNewMail();
        }
    } catch {
        // no connection: the next time
    }
}

if (!letter) {
    setInterval(askForNews, 20000);
    document.addEventListener("visibilitychange", askForNews);
}
if (list && box === "INBOX") {
    const unread = document.querySelector('[data-folder="INBOX"] .count');
    if (unread)
        document.title = `(${unread.textContent}) ${title}`;
}

// ---- writing ----

if (letter) {
    const text = letter.querySelector("textarea"), files = letter.querySelector('input[type="file"]');
    const shown = letter.querySelector("[data-files]");
    let changed = false;

    if (text.hasAttribute("data-start")) { // an answer begins above the quote
        text.setSelectionRange(0, 0);
        text.scrollTop = 0;
    }
    if (!CSS.supports("field-sizing", "content")) {
        const grow = () => { text.style.height = "auto"; text.style.height = `${text.scrollHeight}px`; };
        text.addEventListener("input", grow);
        grow();
    }
    const showFiles = () => {
        shown.replaceChildren(...[...files.files].map((file) => {
            const item = document.createElement("li"), name = document.createElement("span");
            name.textContent = `${file.name} (${Math.max(1, Math.round(file.size / 1000))} KB)`;
            item.append(name);
            return item;
        }));
    };
    /* Choosing again adds to what was chosen before. */
    let chosen = [];
    const add = (more) => {
        const transfer = new DataTransfer();
        chosen = [...chosen, ...more];
        for (const file of chosen)
            transfer.items.add(file);
        files.files = transfer.files;
        changed = true;
        showFiles();
    };
    files.addEventListener("change", () => add([...files.files]));
    letter.addEventListener("dragover", (event) => {
        if (event.dataTransfer.types.includes("Files")) {
            event.preventDefault();
            letter.classList.add("dropping");
        }
    });
    letter.addEventListener("dragleave", () => letter.classList.remove("dropping"));
    letter.addEventListener("drop", (event) => {
        letter.classList.remove("dropping");
        if (event.dataTransfer.files.length) {
            event.preventDefault();
            add([...event.dataTransfer.files]);
        }
    });
    text.addEventListener("paste", (event) => {
        if (event.clipboardData.files.length) {
            event.preventDefault();
            add([...event.clipboardData.files]);
        }
    });
    letter.addEventListener("input", () => { changed = true; });
    letter.addEventListener("submit", () => { changed = false; });
    window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}
