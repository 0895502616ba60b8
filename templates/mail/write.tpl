{{%AUTOESCAPE context="HTML"}}
<form class="mail-letter" method="post" action="/mail/send" enctype="multipart/form-data">
<input type="hidden" name="csrf" value="{{CSRF}}">
<input type="hidden" name="in_reply_to" value="{{IN_REPLY_TO}}">
<input type="hidden" name="references" value="{{REFERENCES}}">
<input type="hidden" name="origin" value="{{ORIGIN}}">
<input type="hidden" name="forwards" value="{{FORWARDS}}">
<input type="hidden" name="draft" value="{{DRAFT}}">
<div class="mail-bar">
<a class="icon-button" href="{{BACK}}" data-back title="Back"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#left"></use></svg><span class="hidden">Back</span></a>
<h1>{{#IS_ANSWER}}Answer{{/IS_ANSWER}}{{#IS_NEW}}New mail{{/IS_NEW}}</h1>
<div class="mail-letter-tools">
<button class="button quiet" name="act" value="save" formnovalidate>Save draft</button>
<button class="button primary" name="act" value="send" title="Send (Ctrl+Enter)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#sent"></use></svg>Send</button>
</div>
</div>
<div class="mail-sheet">
{{#PROBLEM}}
<p class="notice bad" role="alert"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#alert"></use></svg><span>{{TEXT}}</span></p>
{{/PROBLEM}}
<div class="mail-fields">
{{#FROM_ONE}}<div class="mail-field"><span class="mail-field-name">From</span>{{#SENDER}}<span class="mail-field-text">{{NAME}}</span>{{/SENDER}}</div>{{/FROM_ONE}}
{{#FROM_LIST}}<div class="mail-field"><label class="mail-field-name" for="from">From</label><select id="from" name="from">{{#SENDER}}<option value="{{ADDRESS}}"{{#CHOSEN}} selected{{/CHOSEN}}>{{NAME}}</option>{{/SENDER}}</select></div>{{/FROM_LIST}}
{{#FROM_ANY}}<div class="mail-field"><label class="mail-field-name" for="from">From</label><input id="from" name="from" value="{{ADDRESS}}" list="senders" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="320"><datalist id="senders">{{#SENDER}}<option value="{{ADDRESS}}">{{NAME}}</option>{{/SENDER}}</datalist></div>{{/FROM_ANY}}
<div class="mail-field"><label class="mail-field-name" for="to">To</label><input id="to" name="to" value="{{TO}}" autocomplete="email" autocapitalize="none" spellcheck="false" maxlength="20000"{{#IS_NEW}} autofocus{{/IS_NEW}}></div>
<details class="mail-copies"{{#COPIES}} open{{/COPIES}}>
<summary>Cc, Bcc</summary>
<div class="mail-field"><label class="mail-field-name" for="cc">Cc</label><input id="cc" name="cc" value="{{CC}}" autocapitalize="none" spellcheck="false" maxlength="20000"></div>
<div class="mail-field"><label class="mail-field-name" for="bcc">Bcc</label><input id="bcc" name="bcc" value="{{BCC}}" autocapitalize="none" spellcheck="false" maxlength="20000"></div>
</details>
<div class="mail-field"><label class="mail-field-name" for="subject">Subject</label><input id="subject" name="subject" value="{{SUBJECT}}" maxlength="900"></div>
</div>
<label class="hidden" for="text">Text</label>
<textarea id="text" name="text" rows="16" data-grow{{#IS_ANSWER}} data-start autofocus{{/IS_ANSWER}}>
{{TEXT:p}}</textarea>
<div class="mail-files">
{{#TAKEN}}
<ul class="mail-taken">
{{#PART}}<li><label><input type="checkbox" name="taken" value="{{REFERENCE}}" checked><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#clip"></use></svg><span>{{NAME}}</span><small>{{SIZE}}</small></label></li>{{/PART}}
</ul>
{{/TAKEN}}
<label class="mail-add"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#clip"></use></svg><span>Attach files</span><input type="file" name="file" multiple></label>
<ul class="mail-taken" data-files></ul>
</div>
<footer class="mail-foot">
<button class="button primary" name="act" value="send"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#sent"></use></svg>Send</button>
<button class="button" name="act" value="save" formnovalidate>Save draft</button>
{{#HAS_DRAFT}}<button class="button quiet bad" name="act" value="discard" formnovalidate data-confirm="Throw this draft away?">Throw away</button>{{/HAS_DRAFT}}
</footer>
</div>
</form>
