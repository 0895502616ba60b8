{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/trace">Message trace</a></li></ol></nav>
<header class="page-head"><div><h1>{{ID}}</h1><p class="lead">From {{SENDER}}, <time datetime="{{AT_ISO}}">{{AT}}</time></p></div></header>
<section class="card detail">
<h2>Recipients</h2>
<table class="list">
<thead><tr><th scope="col">Recipient</th><th scope="col">Outcome</th><th scope="col">Where</th></tr></thead>
<tbody>
{{#RECIPIENT}}
<tr>
<td><strong>{{ADDRESS}}</strong>{{#TARGET}}<small>led to {{TEXT}}</small>{{/TARGET}}</td>
<td data-label="Outcome"><span>{{#GOOD}}<span class="badge good">{{LABEL}}</span>{{/GOOD}}{{#BAD}}<span class="badge bad">{{LABEL}}</span>{{/BAD}}{{#WARN}}<span class="badge warn">{{LABEL}}</span>{{/WARN}}{{#INFO}}<span class="badge info">{{LABEL}}</span>{{/INFO}}{{#REPLIED}}<small>{{TEXT}}</small>{{/REPLIED}}</span></td>
<td data-label="Where"><span>{{#MAILBOX}}{{TEXT}}{{/MAILBOX}}{{#HOST}}{{TEXT}}{{/HOST}}</span></td>
</tr>
{{/RECIPIENT}}
</tbody>
</table>
{{#MORE_RECIPIENTS}}<div class="card-body"><p class="hint">There are more; these are the first.</p></div>{{/MORE_RECIPIENTS}}
</section>
<section class="card detail">
<h2>What happened</h2>
<ol class="timeline">
{{#HAPPENING}}
<li>{{#SAME_DAY}}<time datetime="{{AT_ISO}}" data-clock>{{CLOCK}}</time>{{/SAME_DAY}}{{#LATER_DAY}}<time datetime="{{AT_ISO}}">{{AT}}</time>{{/LATER_DAY}}<div><p>{{#GOOD}}<span class="badge good">{{LABEL}}</span>{{/GOOD}}{{#BAD}}<span class="badge bad">{{LABEL}}</span>{{/BAD}}{{#WARN}}<span class="badge warn">{{LABEL}}</span>{{/WARN}}{{#INFO}}<span class="badge info">{{LABEL}}</span>{{/INFO}} <strong>{{TITLE}}</strong></p>{{#MORE}}<p class="hint">{{TEXT}}</p>{{/MORE}}</div></li>
{{/HAPPENING}}
</ol>
</section>
<section class="card detail">
<h2>Where it came from</h2>
<div class="card-body">
<dl class="facts">
<dt>Way in</dt><dd>{{SERVICE}}</dd>
{{#CLIENT}}<dt>Client</dt><dd class="mono"><a href="/trace?q={{TEXT}}">{{TEXT}}</a></dd>{{/CLIENT}}
{{#CLIENT_NAME}}<dt>Its name</dt><dd class="mono">{{TEXT}}</dd>{{/CLIENT_NAME}}
{{#HELO}}<dt>Called itself</dt><dd class="mono">{{TEXT}}</dd>{{/HELO}}
{{#TLS}}<dt>TLS</dt><dd class="mono">{{TEXT}}</dd>{{/TLS}}
{{#LOGIN}}<dt>Logged in as</dt><dd>{{TEXT}}</dd>{{/LOGIN}}
{{#MESSAGE_ID}}<dt>Message-ID</dt><dd class="mono">{{TEXT}}</dd>{{/MESSAGE_ID}}
{{#SIZE}}<dt>Size</dt><dd>{{TEXT}}</dd>{{/SIZE}}
</dl>
</div>
</section>
