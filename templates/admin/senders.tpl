{{%AUTOESCAPE context="HTML"}}
{{#FOR_ALL}}
<nav aria-label="Where you are"><ol class="crumbs"><li><a href="/settings">Settings</a></li></ol></nav>
<header class="page-head"><div><h1>Senders</h1><p class="lead">What happens to mail whose sender is not proved. It holds for each domain that has nothing of its own.</p></div></header>
{{/FOR_ALL}}
{{>HEAD}}
<form class="card" method="post" action="{{PATH}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
<h2>When the sender is not proved</h2>
{{#INHERITED}}<p class="muted">As for all domains. Saving gives this one its own.</p>{{/INHERITED}}
{{#QUESTION}}
<div class="field">
<label for="{{FIELD}}">{{LABEL}}</label>
<select id="{{FIELD}}" name="{{FIELD}}" aria-describedby="{{FIELD}}-hint">{{#ACTION}}<option value="{{VALUE}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{LABEL}}</option>{{/ACTION}}</select>
<p class="hint" id="{{FIELD}}-hint">{{HINT}}</p>
</div>
{{/QUESTION}}
<div class="field">
<label for="trusted">Seals that are believed</label>
<textarea id="trusted" name="trusted" rows="3" autocapitalize="none" spellcheck="false" placeholder="lists.example.org" aria-describedby="trusted-hint{{#TRUSTED_PROBLEM}} trusted-problem{{/TRUSTED_PROBLEM}}"{{#TRUSTED_PROBLEM}} aria-invalid="true"{{/TRUSTED_PROBLEM}}>
{{TRUSTED}}</textarea>
{{#TRUSTED_PROBLEM}}<p class="problem" id="trusted-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/TRUSTED_PROBLEM}}
<p class="hint" id="trusted-hint">Domains of mailing lists and forwarders, separated by blanks or line ends. Where DMARC fails for what they pass on, and they have sealed (ARC) that it was right when they got it, it is delivered.</p>
</div>
</div>
<div class="form-foot"><button class="button primary">Save</button></div>
</form>
{{#OWN}}
<section class="card detail">
<div class="card-head"><div><h2>Its own answers</h2><p class="muted">Reset to have those of all domains again.</p></div><form method="post" action="{{PATH}}/default"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button">Reset</button></form></div>
</section>
{{/OWN}}
{{#KEYS}}
<section class="card detail">
<div class="card-head"><div><h2>Signatures on its mail</h2><p class="muted">What people of this domain send is signed (DKIM) with each kind of key that signs.</p></div></div>
{{#ZONE_ELSEWHERE}}<p class="notice info"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#info"></use></svg><span>The domain's zone is served elsewhere: put the records there before a key signs.</span></p>{{/ZONE_ELSEWHERE}}
<table class="list">
{{#SOME}}<thead><tr><th scope="col">Key</th><th scope="col">Kind</th><th scope="col">State</th><th scope="col">Since</th><th scope="col"><span class="hidden">What to do</span></th></tr></thead>{{/SOME}}
<tbody>
{{#KEY}}
<tr>
<td class="tight"><strong class="mono">{{SELECTOR}}</strong></td>
<td class="tight" data-label="Kind">{{ALGORITHM}}</td>
<td data-label="State">{{#SIGNS}}<span class="badge good">Signs</span>{{/SIGNS}}{{#RESTS}}<span class="badge">Published only</span>{{/RESTS}}</td>
<td class="tight" data-label="Since"><time datetime="{{CREATED_ISO}}" data-date>{{CREATED}}</time></td>
<td class="tight"><div class="row-actions">
<form method="post" action="/domains/{{ID}}/keys/{{KEY_ID}}/active"><input type="hidden" name="csrf" value="{{CSRF}}">{{#RESTS}}<input type="hidden" name="active" value="1"><button class="button quiet">Sign</button>{{/RESTS}}{{#SIGNS}}<button class="button quiet">Stop signing</button>{{/SIGNS}}</form>
<a class="icon-button bad" href="/domains/{{ID}}/keys/{{KEY_ID}}/delete" title="Delete"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Delete {{SELECTOR}}</span></a>
</div></td>
</tr>
<tr><td colspan="5"><details><summary>Record of {{SELECTOR}}</summary><p class="mono">{{RECORD_NAME}} TXT</p><p class="mono">{{RECORD}}</p></details></td></tr>
{{/KEY}}
{{#NONE}}<tr><td class="muted">None yet: its mail goes out unsigned, and many servers take it for junk.</td></tr>{{/NONE}}
</tbody>
</table>
<form class="card-body" method="post" action="/domains/{{ID}}/keys">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="stack">
<div class="field">
<label for="algorithm">New key</label>
<select id="algorithm" name="algorithm"><option value="rsa">RSA, 2048 bits: every server knows it</option><option value="ed25519"{{#ED25519}} selected{{/ED25519}}>Ed25519: short, beside an RSA key</option></select>
</div>
<div class="field">
<label for="selector">Its name in the DNS (selector)</label>
<input id="selector" name="selector" value="{{NEW_SELECTOR}}" maxlength="63" autocapitalize="none" autocomplete="off" spellcheck="false" placeholder="made of the date"{{#KEY_PROBLEM}} aria-invalid="true" aria-describedby="key-problem"{{/KEY_PROBLEM}}>
{{#KEY_PROBLEM}}<p class="problem" id="key-problem"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/KEY_PROBLEM}}
</div>
</div>
<div class="form-foot"><button class="button">Make a key</button></div>
</form>
</section>
{{/KEYS}}
