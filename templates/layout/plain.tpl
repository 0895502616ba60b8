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
<body class="plain">
<main id="main">
<a class="brand" href="/"><svg class="brand-mark" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#mark"></use></svg><span>Mansio</span></a>
{{#FLASH}}
<p class="notice good" role="status"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#check"></use></svg><span>{{TEXT}}</span></p>
{{/FLASH}}
{{>CONTENT}}
<p class="place">{{HOSTNAME}}</p>
</main>
</body>
</html>
