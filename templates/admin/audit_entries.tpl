{{%AUTOESCAPE context="HTML"}}
<ol class="events">
{{#ENTRY}}
<li><details>
<summary><span class="what"><strong>{{ACTOR}}</strong> {{VERB}} the {{KIND}} <strong>{{NAME}}</strong></span> <time datetime="{{AT_ISO}}">{{AT}}</time></summary>
<dl class="facts">
{{#LINK}}<dt>Today</dt><dd><a href="{{HREF}}">{{NAME}}</a></dd>{{/LINK}}
{{#FROM}}<dt>From address</dt><dd class="mono">{{ADDRESS}}</dd>{{/FROM}}
{{#CHANGE}}<dt>{{COLUMN}}</dt><dd class="mono">{{#HIDDEN}}changed (not shown){{/HIDDEN}}{{#OLD}}<del>{{VALUE}}{{#CUT}}…{{/CUT}}</del> {{/OLD}}{{#NEW}}<ins>{{VALUE}}{{#CUT}}…{{/CUT}}</ins>{{/NEW}}</dd>
{{/CHANGE}}
</dl>
</details></li>
{{/ENTRY}}
</ol>
