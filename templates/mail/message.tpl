{{%AUTOESCAPE context="HTML"}}
<article class="mail-message" data-reply="{{REPLY}}" data-reply-all="{{REPLY_ALL}}" data-forward="{{FORWARD}}">
<form class="mail-bar" method="post" action="/mail/act">
<input type="hidden" name="csrf" value="{{CSRF}}">
<input type="hidden" name="box" value="{{BOX}}">
<input type="hidden" name="uidvalidity" value="{{UIDVALIDITY}}">
<input type="hidden" name="uid" value="{{UID}}">
<input type="hidden" name="back" value="{{BACK}}">
<a class="icon-button" href="{{BACK}}" data-back title="Back to {{BACK_NAME}}"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#left"></use></svg><span class="hidden">Back to {{BACK_NAME}}</span></a>
<span class="mail-rule"></span>
<div class="mail-tools">
{{#CAN_ARCHIVE}}<button class="icon-button" name="act" value="archive" title="Archive (e)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#archive"></use></svg><span class="hidden">Archive</span></button>{{/CAN_ARCHIVE}}
{{#IS_JUNK}}<button class="icon-button" name="act" value="not-junk" title="Not junk"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#inbox"></use></svg><span class="hidden">Not junk</span></button>{{/IS_JUNK}}
{{#CAN_JUNK}}<button class="icon-button" name="act" value="junk" title="Junk (!)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#junk"></use></svg><span class="hidden">Junk</span></button>{{/CAN_JUNK}}
{{#DELETES_TO_TRASH}}<button class="icon-button bad" name="act" value="delete" title="Move to the trash (#)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Move to the trash</span></button>{{/DELETES_TO_TRASH}}
{{#DELETES_FOR_GOOD}}<button class="icon-button bad" name="act" value="destroy" title="Delete for good" data-confirm="Delete this message for good?"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#trash"></use></svg><span class="hidden">Delete for good</span></button>{{/DELETES_FOR_GOOD}}
<button class="icon-button" name="act" value="unread" title="Mark as unread (u)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#unread"></use></svg><span class="hidden">Mark as unread</span></button>
<span class="mail-move"><select name="to" aria-label="Folder to move to" data-move><option value="">Move to…</option>{{#TARGET}}<option value="{{BOX}}">{{PATH}}</option>{{/TARGET}}</select><button class="button small" name="act" value="move">Move</button></span>
<a class="icon-button mail-source" href="{{SOURCE}}" title="Source" target="_blank" rel="noopener"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#code"></use></svg><span class="hidden">Source</span></a>
</div>
<div class="mail-pager">
{{#NEWER}}<a class="icon-button" href="{{HREF}}" rel="prev" title="Newer (k)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#up"></use></svg><span class="hidden">Newer</span></a>{{/NEWER}}
{{#OLDER}}<a class="icon-button" href="{{HREF}}" rel="next" title="Older (j)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#down"></use></svg><span class="hidden">Older</span></a>{{/OLDER}}
</div>
</form>
<div class="mail-sheet">
<header class="mail-head">
<h1>{{SUBJECT}}</h1>
{{#SENDER}}
<span class="avatar large colour-{{COLOUR}}" aria-hidden="true">{{INITIALS}}</span>
<div class="mail-from"><a href="{{HREF}}">{{NAME}}</a>{{#NAMED}} <span class="mail-address">{{ADDRESS}}</span>{{/NAMED}}</div>
{{/SENDER}}
<time class="mail-when" datetime="{{DATETIME}}">{{DATE}}</time>
<div class="mail-people">
{{#TO}}<div><span class="muted">To</span> {{#PERSON}}{{#COMMA}}, {{/COMMA}}<a href="{{HREF}}" title="{{ADDRESS}}">{{NAME}}</a>{{/PERSON}}{{#MORE}} and {{NUMBER}} more{{/MORE}}</div>{{/TO}}
{{#CC}}<div><span class="muted">Cc</span> {{#PERSON}}{{#COMMA}}, {{/COMMA}}<a href="{{HREF}}" title="{{ADDRESS}}">{{NAME}}</a>{{/PERSON}}{{#MORE}} and {{NUMBER}} more{{/MORE}}</div>{{/CC}}
{{#BCC}}<div><span class="muted">Bcc</span> {{#PERSON}}{{#COMMA}}, {{/COMMA}}<a href="{{HREF}}" title="{{ADDRESS}}">{{NAME}}</a>{{/PERSON}}{{#MORE}} and {{NUMBER}} more{{/MORE}}</div>{{/BCC}}
{{#REPLY_TO}}<div><span class="muted">Replies go to</span> {{#PERSON}}{{#COMMA}}, {{/COMMA}}<a href="{{HREF}}" title="{{ADDRESS}}">{{NAME}}</a>{{/PERSON}}{{#MORE}} and {{NUMBER}} more{{/MORE}}</div>{{/REPLY_TO}}
</div>
<div class="mail-answer">
<a class="icon-button" href="{{REPLY}}" title="Reply (r)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#reply"></use></svg><span class="hidden">Reply</span></a>
<form method="post" action="/mail/act"><input type="hidden" name="csrf" value="{{CSRF}}"><input type="hidden" name="box" value="{{BOX}}"><input type="hidden" name="uidvalidity" value="{{UIDVALIDITY}}"><input type="hidden" name="uid" value="{{UID}}"><input type="hidden" name="back" value="{{HERE}}">{{#FLAGGED}}<button class="icon-button mail-star flagged" name="act" value="unflag" title="Remove the flag (s)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#star-full"></use></svg><span class="hidden">Remove the flag</span></button>{{/FLAGGED}}{{#NOT_FLAGGED}}<button class="icon-button mail-star" name="act" value="flag" title="Flag (s)"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#star"></use></svg><span class="hidden">Flag</span></button>{{/NOT_FLAGGED}}</form>
</div>
</header>
{{#BLOCKED}}
<p class="mail-blocked"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#picture"></use></svg><span>Pictures from the web are not shown, so that the sender doesn't learn that you read this.</span> <a class="button small" href="{{HREF}}">Show pictures</a></p>
{{/BLOCKED}}
{{#BODY}}
{{#TEXT}}<div class="mail-text">{{>PIECES}}</div>{{/TEXT}}
{{#NO_TEXT}}<p class="mail-none">This mail has no text.</p>{{/NO_TEXT}}
{{#CUT}}<p class="mail-none">The text is longer than what is shown here. The source has all of it.</p>{{/CUT}}
{{#HTML}}<iframe class="mail-frame" src="{{SRC}}" loading="lazy" title="The mail's text" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>{{/HTML}}
{{/BODY}}
{{#NO_BODY}}<p class="mail-none">This mail has no text.</p>{{/NO_BODY}}
{{#ATTACHMENTS}}
<section class="mail-attachments" aria-label="Attachments">
<h2><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#clip"></use></svg>Attachments <span class="count">{{NUMBER}}</span></h2>
<ul>
{{#ATTACHMENT}}
<li><a href="{{HREF}}" download title="Download {{NAME}}">{{#PICTURE}}<img src="{{SRC}}" alt="" loading="lazy">{{/PICTURE}}{{#FILE}}<span class="mail-kind" aria-hidden="true">{{KIND}}</span>{{/FILE}}<span class="mail-file"><strong>{{NAME}}</strong><small>{{SIZE}}</small></span><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#download"></use></svg></a></li>
{{/ATTACHMENT}}
</ul>
</section>
{{/ATTACHMENTS}}
<footer class="mail-foot">
<a class="button" href="{{REPLY}}"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#reply"></use></svg>Reply</a>
<a class="button" href="{{REPLY_ALL}}"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#reply-all"></use></svg>Reply all</a>
<a class="button" href="{{FORWARD}}"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#send-on"></use></svg>Forward</a>
{{#SHOW_PLAIN}}<a class="mail-form-choice" href="{{HREF}}">Show as plain text</a>{{/SHOW_PLAIN}}
{{#SHOW_HTML}}<a class="mail-form-choice" href="{{HREF}}">Show with its layout</a>{{/SHOW_HTML}}
</footer>
</div>
</article>
