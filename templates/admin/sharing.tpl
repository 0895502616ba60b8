{{%AUTOESCAPE context="HTML"}}
<nav aria-label="Where you are"><ol class="crumbs">{{#OWN}}<li><a href="/profile">Your profile</a></li>{{/OWN}}{{#OTHER}}<li><a href="/mailboxes">Mailboxes</a></li><li><a href="/mailboxes/{{ACCOUNT_ID}}">{{ADDRESS}}</a></li>{{/OTHER}}</ol></nav>
<header class="page-head"><div><h1>Sharing {{#SHARED}}<span class="badge">Shared mailbox</span>{{/SHARED}}</h1><p class="lead">of <strong>{{ADDRESS}}</strong></p></div></header>
<section class="card detail">
<div class="card-head"><div><h2>Folders</h2><p class="muted">Others find them in their mail program below {{#SHARED}}Shared Folders{{/SHARED}}{{#OWN}}Other Users{{/OWN}}{{#OTHER}}Other Users, or Shared Folders where nobody logs in to the mailbox{{/OTHER}}. Each reader has read and unread marks of its own.</p></div></div>
<table class="list">
<thead><tr><th scope="col">Folder</th><th scope="col">Who</th><th scope="col">May</th><th scope="col"><span class="hidden">Remove</span></th></tr></thead>
<tbody>
{{#SHARE}}<tr><td>{{FOLDER}}</td><td data-label="Who">{{WHO}}</td><td data-label="May"><span>{{#NEGATIVE}}<span class="badge warn">Not</span> {{/NEGATIVE}}{{WORDS}} <span class="mono muted">{{RIGHTS}}</span></span></td><td>{{#REMOVE}}<form method="post" action="{{PATH}}/remove"><input type="hidden" name="csrf" value="{{CSRF}}"><input type="hidden" name="folder" value="{{FOLDER}}"><input type="hidden" name="who" value="{{WHO}}"><button class="button small" aria-label="Remove {{WHO}} from {{FOLDER}}">Remove</button></form>{{/REMOVE}}</td></tr>
{{/SHARE}}
</tbody>
</table>
{{#NO_SHARES}}<p class="card-body muted">No folder is shared.</p>{{/NO_SHARES}}
</section>
{{#CHANGE}}
<form class="card" method="post" action="{{PATH}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<h2>Share a folder</h2>
<div class="form-grid">
<div class="field">
<label for="folder">Folder</label>
<input id="folder" name="folder" value="{{FOLDER}}" required maxlength="1000" list="folders" autocomplete="off" aria-describedby="folder-hint">
<datalist id="folders">{{#KNOWN}}<option value="{{NAME}}"></option>{{/KNOWN}}</datalist>
<p class="hint" id="folder-hint">* stands for all folders, and for those to come.</p>
</div>
<div class="field">
<label for="who">With</label>
<input id="who" name="who" value="{{WHO}}" required maxlength="320" autocapitalize="none" autocomplete="off" spellcheck="false" aria-describedby="who-hint">
<p class="hint" id="who-hint">An address, or anyone for everybody of the domain.</p>
</div>
<div class="field">
<label for="rights">They may</label>
<select id="rights" name="rights"><option value="read">Read</option><option value="edit">Read and edit</option><option value="manage">Everything, and share it on</option></select>
</div>
</div>
<div class="form-foot"><button class="button primary">Share</button></div>
</form>
{{/CHANGE}}
{{#SHARE_PROBLEM}}<p class="problem" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/SHARE_PROBLEM}}
<section class="card detail">
<div class="card-head"><div><h2>Sending under this address</h2><p class="muted">Other mailboxes that may send mail that comes from {{ADDRESS}}.</p></div></div>
<table class="list">
<thead><tr><th scope="col">Mailbox</th><th scope="col"><span class="hidden">Remove</span></th></tr></thead>
<tbody>
{{#DELEGATE}}<tr><td>{{WHO}}</td><td>{{#REMOVE}}<form method="post" action="{{PATH}}/delegates/remove"><input type="hidden" name="csrf" value="{{CSRF}}"><input type="hidden" name="delegate" value="{{WHO}}"><button class="button small" aria-label="Remove {{WHO}}">Remove</button></form>{{/REMOVE}}</td></tr>
{{/DELEGATE}}
</tbody>
</table>
{{#NO_DELEGATES}}<p class="card-body muted">Nobody else does.</p>{{/NO_DELEGATES}}
{{#CHANGE}}
<form class="card-body" method="post" action="{{PATH}}/delegates">
<input type="hidden" name="csrf" value="{{CSRF}}">
<div class="field">
<label for="delegate">One more</label>
<div class="joined"><input id="delegate" name="delegate" required maxlength="320" autocapitalize="none" autocomplete="off" spellcheck="false"><button class="button">Allow</button></div>
</div>
</form>
{{/CHANGE}}
{{#DELEGATE_PROBLEM}}<p class="problem" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>{{/DELEGATE_PROBLEM}}
</section>
