{{%AUTOESCAPE context="HTML"}}
<nav class="pager" aria-label="Pages">
<span>{{#EARLIER}}<a class="button small" href="{{HREF}}" rel="prev"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#left"></use></svg>Back</a>{{/EARLIER}}</span>
<span>{{#LATER}}<a class="button small" href="{{HREF}}" rel="next">Next<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#right"></use></svg></a>{{/LATER}}</span>
</nav>
