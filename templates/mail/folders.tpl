{{%AUTOESCAPE context="HTML"}}
<div class="mail-bar"><h1>Folders</h1></div>
<div class="mail-sheet">
{{#PROBLEM}}
<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>
{{/PROBLEM}}
<form class="mail-new-folder" method="post" action="/mail/folders">
<input type="hidden" name="csrf" value="{{CSRF}}">
<input type="hidden" name="box" value="INBOX">
<label class="field"><span class="label">New folder</span><input name="name" value="{{TYPED}}" maxlength="100" required placeholder="Name"></label>
<button class="button primary" name="act" value="create">Create</button>
</form>
<p class="hint">A name like Work/2026 makes a folder within another.</p>
<ul class="mail-folder-list">
{{#FOLDER}}
<li>
<a href="{{HREF}}"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#{{ICON}}"></use></svg><span>{{PATH}}</span></a>
<span class="muted">{{MESSAGES}}</span>
{{#FIXED}}<span class="muted mail-folder-acts">Always there</span>{{/FIXED}}
{{#OWN}}
<div class="mail-folder-acts">
<details>
<summary class="button small quiet">Rename</summary>
<form method="post" action="/mail/folders"><input type="hidden" name="csrf" value="{{CSRF}}"><input type="hidden" name="box" value="{{BOX}}"><input name="name" value="{{NAME}}" aria-label="New name of {{PATH}}" maxlength="100" required><button class="button small primary" name="act" value="rename">Rename</button></form>
</details>
<form method="post" action="/mail/folders"><input type="hidden" name="csrf" value="{{CSRF}}"><input type="hidden" name="box" value="{{BOX}}"><button class="icon-button bad" name="act" value="delete" title="Delete {{PATH}}" data-confirm="Delete the folder {{PATH}}? Its messages go to the trash."><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Delete {{PATH}}</span></button></form>
</div>
{{/OWN}}
</li>
{{/FOLDER}}
</ul>
<p class="hint mail-recover">Something is missing? <a href="/mail/removed">Recover deleted mail</a></p>
</div>
