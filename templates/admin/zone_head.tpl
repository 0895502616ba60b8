{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/domains">Domains</a></li><li><a href="/zones">Zones without mail</a></li></ol></nav>
<header class="page-head"><h1>{{ZONE}}</h1><div class="actions"><a class="button quiet bad" href="/zones/{{ID}}/delete">Delete the zone…</a></div></header>
