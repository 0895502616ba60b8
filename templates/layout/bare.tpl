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
{{#SCRIPT}}<script type="module" src="/static/{{FILE}}?v={{V}}"></script>{{/SCRIPT}}
</head>
<body class="bare">
{{>CONTENT}}
</body>
</html>
