{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><h1>Overview</h1></header>
