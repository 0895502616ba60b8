{{%AUTOESCAPE context="HTML"}}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{TITLE}} · Mansio</title>
<link rel="icon" href="/static/icon.svg?v={{V}}" type="image/svg+xml">
<link rel="stylesheet" href="/static/mansio.css?v={{V}}">
{{#STYLE}}<link rel="stylesheet" href="/static/{{FILE}}?v={{V}}">{{/STYLE}}
<script type="module" src="/static/mansio.js?v={{V}}"></script>
{{#SCRIPT}}<script type="module" src="/static/{{FILE}}?v={{V}}"></script>{{/SCRIPT}}
</head>
<body class="admin">
<a class="skip" href="#main">Skip to the content</a>
<header class="side">
<div class="side-head">
<a class="brand" href="/"><svg class="brand-mark" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#mark"></use></svg><span>Mansio</span></a>
<details class="menu">
<summary><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#menu"></use></svg><span class="hidden">Menu</span></summary>
</details>
</div>
<div class="side-body">
<nav aria-label="Main">
<ul>
{{#PLACE}}
<li><a href="{{HREF}}"{{#CURRENT}} aria-current="page"{{/CURRENT}}><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#{{ICON}}"></use></svg>{{LABEL}}</a></li>
{{/PLACE}}
{{#HAS_MAIL}}
<li><a href="/mail/"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#inbox"></use></svg>Mail</a></li>
{{/HAS_MAIL}}
</ul>
</nav>
<div class="who">
<a class="who-name" href="/profile"><strong>{{ACTOR_NAME}}</strong><small>{{ACTOR_ROLE}}</small></a>
<form method="post" action="/logout"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="icon-button" title="Log out"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#logout"></use></svg><span class="hidden">Log out</span></button></form>
</div>
</div>
</header>
<main id="main">
{{#FLASH}}
<p class="notice good" role="status"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><span>{{TEXT}}</span></p>
{{/FLASH}}
{{>CONTENT}}
</main>
</body>
</html>
