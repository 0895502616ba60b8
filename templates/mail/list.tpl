{{%AUTOESCAPE context="HTML"}}
<form class="mail-list" method="post" action="/mail/act" data-uidnext="{{UIDNEXT}}" data-here="{{BACK}}">
<input type="hidden" name="csrf" value="{{CSRF}}">
<input type="hidden" name="box" value="{{BOX}}">
<input type="hidden" name="uidvalidity" value="{{UIDVALIDITY}}">
<input type="hidden" name="back" value="{{BACK}}">
<div class="mail-bar">
<div class="mail-bar-start">
{{#ANY}}<label class="mail-all" title="Select all on this page" hidden><input type="checkbox" data-all><span class="hidden">Select all on this page</span></label>{{/ANY}}
<h1>{{NAME}}</h1>
{{#RESULTS}}<span class="badge info">“{{SEARCH}}” <a href="{{HERE}}" title="Leave the search"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#close"></use></svg><span class="hidden">Leave the search</span></a></span>{{/RESULTS}}
</div>
{{#ANY}}
<div class="mail-tools" data-tools>
{{#CAN_ARCHIVE}}<button class="icon-button" name="act" value="archive" title="Archive (e)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#archive"></use></svg><span class="hidden">Archive</span></button>{{/CAN_ARCHIVE}}
{{#IS_JUNK}}<button class="icon-button" name="act" value="not-junk" title="Not junk"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#inbox"></use></svg><span class="hidden">Not junk</span></button>{{/IS_JUNK}}
{{#CAN_JUNK}}<button class="icon-button" name="act" value="junk" title="Junk (!)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#junk"></use></svg><span class="hidden">Junk</span></button>{{/CAN_JUNK}}
{{#DELETES_TO_TRASH}}<button class="icon-button bad" name="act" value="delete" title="Move to the trash (#)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Move to the trash</span></button>{{/DELETES_TO_TRASH}}
{{#DELETES_FOR_GOOD}}<button class="icon-button bad" name="act" value="destroy" title="Delete for good" data-confirm="Delete the selected messages for good?"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Delete for good</span></button>{{/DELETES_FOR_GOOD}}
<span class="mail-rule"></span>
<button class="icon-button" name="act" value="read" title="Mark as read"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#opened"></use></svg><span class="hidden">Mark as read</span></button>
<button class="icon-button" name="act" value="unread" title="Mark as unread (u)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#unread"></use></svg><span class="hidden">Mark as unread</span></button>
<button class="icon-button" name="act" value="flag" title="Flag (s)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#star"></use></svg><span class="hidden">Flag</span></button>
<span class="mail-move"><select name="to" aria-label="Folder to move to" data-move><option value="">Move to…</option>{{#TARGET}}<option value="{{BOX}}">{{PATH}}</option>{{/TARGET}}</select><button class="button small" name="act" value="move">Move</button></span>
</div>
{{/ANY}}
{{#PAGER}}
<div class="mail-pager">
<span>{{FIRST}}–{{LAST}} of {{ALL}}</span>
{{#NEWER}}<a class="icon-button" href="{{HREF}}" rel="prev" title="Newer"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#left"></use></svg><span class="hidden">Newer</span></a>{{/NEWER}}
{{#OLDER}}<a class="icon-button" href="{{HREF}}" rel="next" title="Older"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#right"></use></svg><span class="hidden">Older</span></a>{{/OLDER}}
</div>
{{/PAGER}}
</div>
{{#ANY}}
<ul class="mail-rows">
{{#ROW}}
<li class="mail-row {{STATE}}"><label class="mail-check"><input type="checkbox" name="uid" value="{{UID}}" aria-label="Select"><span class="avatar colour-{{COLOUR}}" aria-hidden="true">{{INITIALS}}</span></label><span class="mail-who" title="{{ADDRESS}}">{{WHO}}</span><a class="mail-link" href="{{PATH}}/{{UID}}"><span class="mail-subject">{{#UNREAD}}<span class="hidden">Unread: </span>{{/UNREAD}}{{SUBJECT}}</span><span class="mail-preview">{{PREVIEW}}</span></a><span class="mail-marks">{{#ANSWERED}}<i class="mark answered" role="img" aria-label="Answered"></i>{{/ANSWERED}}{{#FORWARDED}}<i class="mark forwarded" role="img" aria-label="Forwarded"></i>{{/FORWARDED}}{{#ATTACHMENT}}<i class="mark clip" role="img" aria-label="Has attachments"></i>{{/ATTACHMENT}}</span><time class="mail-date" datetime="{{DATETIME}}" data-date>{{DATE}}</time><button class="mail-star" name="{{STAR}}" value="{{UID}}" aria-label="{{STAR_LABEL}}"></button>
</li>
{{/ROW}}
</ul>
{{/ANY}}
{{#EMPTY}}
<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#{{ICON}}"></use></svg><strong>Nothing here</strong><p>{{SENTENCE}}</p></div>
{{/EMPTY}}
{{#NOT_FOUND}}
<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>Nothing found</strong><p>No mail in this folder has “{{SEARCH}}” in it. Try one word, or another folder.</p></div>
{{/NOT_FOUND}}
{{#TRASH}}<p class="mail-recover">Something is missing? <a href="/mail/removed">Recover deleted mail</a></p>{{/TRASH}}
</form>
