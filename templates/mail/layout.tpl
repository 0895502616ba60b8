{{%AUTOESCAPE context="HTML"}}
<div class="mail" data-box="{{CURRENT_BOX}}">
<a class="skip" href="#main">Skip to the mail</a>
<header class="mail-top">
<details class="mail-menu">
<summary class="icon-button"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#menu"></use></svg><span class="hidden">Folders</span></summary>
</details>
<a class="brand" href="/mail/"><svg class="brand-mark" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#mark"></use></svg><span>Mansio</span></a>
<form class="mail-search search" role="search" method="get" action="{{SEARCH_PATH}}">
<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg>
<input type="search" name="q" value="{{SEARCH}}" placeholder="Search {{SEARCH_PLACE}}" aria-label="Search {{SEARCH_PLACE}}" maxlength="200" enterkeyhint="search">
</form>
<details class="mail-person">
<summary title="{{ADDRESS}}"><span class="avatar colour-{{COLOUR}}" aria-hidden="true">{{INITIALS}}</span><span class="hidden">Your account</span></summary>
<div class="mail-person-card card">
<p><strong>{{PERSON}}</strong><small>{{ADDRESS}}</small></p>
<a class="button small" href="/profile"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#settings"></use></svg>Account</a>
<form method="post" action="/logout"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#logout"></use></svg>Log out</button></form>
</div>
</details>
</header>
<nav class="mail-side" aria-label="Folders">
<a class="button primary mail-write" href="/mail/write"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#edit"></use></svg>Write</a>
<ul>
{{#FOLDER}}
<li class="depth-{{DEPTH}}">
{{#GROUP}}<span class="mail-folder"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#{{ICON}}"></use></svg><span>{{NAME}}</span></span>{{/GROUP}}
{{#LINK}}<a class="mail-folder" href="{{HREF}}" data-folder="{{BOX}}"{{#CURRENT}} aria-current="page"{{/CURRENT}}><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#{{ICON}}"></use></svg><span>{{NAME}}</span>{{#COUNT}}<span class="count">{{NUMBER}}</span>{{/COUNT}}</a>{{/LINK}}
</li>
{{/FOLDER}}
</ul>
<a class="mail-folder mail-manage" href="/mail/folders"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#settings"></use></svg><span>Manage folders</span></a>
</nav>
<main class="mail-main" id="main">
{{#FLASH}}
<p class="mail-flash" role="status"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><span>{{TEXT}}</span></p>
{{/FLASH}}
{{>MAIN}}
</main>
</div>
