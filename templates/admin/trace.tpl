{{%AUTOESCAPE context="HTML"}}
<header class="page-head"><div><h1>Message trace</h1><p class="lead">What became of each message, and of each attempt to send one here.</p></div></header>
<form class="toolbar" method="get" action="/trace" role="search">
<div class="search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><label class="hidden" for="q">Search the trace</label><input id="q" name="q" type="search" value="{{SEARCH}}" placeholder="Address, domain, id, &lt;Message-ID&gt; or client" autocapitalize="none" spellcheck="false"></div>
<label class="hidden" for="as">Whose address</label>
<select id="as" name="as" data-submit><option value="">Sender or recipient</option><option value="sender"{{#AS_SENDER}} selected{{/AS_SENDER}}>Sender</option><option value="recipient"{{#AS_RECIPIENT}} selected{{/AS_RECIPIENT}}>Recipient</option></select>
<label class="hidden" for="outcome">Outcome</label>
<select id="outcome" name="outcome" data-submit><option value="">Any outcome</option>{{#CHOICE}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/CHOICE}}</select>
<label class="inline">From <input type="date" name="from" value="{{FROM}}"></label>
<label class="inline">to <input type="date" name="to" value="{{TO}}"></label>
<button class="button">Search</button>
{{#SEARCHED}}<a class="button quiet" href="/trace">Show all</a>{{/SEARCHED}}
</form>
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr><th scope="col">To</th><th scope="col">From</th><th scope="col">Outcome</th><th scope="col">When</th></tr></thead>
<tbody>
{{#ENTRY}}
<tr>
<td><a href="/trace/{{ID}}"><strong>{{RECIPIENT}}</strong></a>{{#TARGET}}<small>led to {{TEXT}}</small>{{/TARGET}}</td>
<td data-label="From"><span>{{SENDER}}{{#CLIENT}}<small class="mono">{{TEXT}}</small>{{/CLIENT}}</span></td>
<td data-label="Outcome"><span>{{#GOOD}}<span class="badge good">{{LABEL}}</span>{{/GOOD}}{{#BAD}}<span class="badge bad">{{LABEL}}</span>{{/BAD}}{{#WARN}}<span class="badge warn">{{LABEL}}</span>{{/WARN}}{{#INFO}}<span class="badge info">{{LABEL}}</span>{{/INFO}}{{#REPLIED}}<small>{{TEXT}}</small>{{/REPLIED}}</span></td>
<td data-label="When"><span><time datetime="{{AT_ISO}}">{{AT}}</time><small class="mono">{{ID}}</small></span></td>
</tr>
{{/ENTRY}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>Nothing in the trace matches</strong><p>Addresses are found whole: user@domain, or a domain that is hosted here.</p></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No mail has come or gone yet</strong><p>It appears here a moment after it was handled.</p></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
