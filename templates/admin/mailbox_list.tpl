{{%AUTOESCAPE context="HTML"}}
<section class="card">
{{#ROWS}}
<table class="list">
<thead><tr>
<th scope="col"{{#ADDRESS_UP}} aria-sort="ascending"{{/ADDRESS_UP}}{{#ADDRESS_DOWN}} aria-sort="descending"{{/ADDRESS_DOWN}}><a href="{{ADDRESS_HREF}}">Address{{#ADDRESS_UP}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#up"></use></svg>{{/ADDRESS_UP}}{{#ADDRESS_DOWN}}<svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#down"></use></svg>{{/ADDRESS_DOWN}}</a></th>
<th scope="col">Name</th>
<th scope="col">State</th>
<th scope="col" class="number">Used</th>
<th scope="col"><span class="hidden">Acts</span></th>
</tr></thead>
<tbody>
{{#MAILBOX}}
<tr>
<td><a class="main-link" href="/mailboxes/{{ID}}">{{ADDRESS}}</a></td>
<td data-label="Name">{{NAME}}</td>
<td data-label="State">{{#ON}}<span class="badge good">On</span>{{/ON}}{{#OFF}}<span class="badge bad">Off</span>{{/OFF}}{{#DOMAIN_OFF}}<span class="badge warn">Domain off</span>{{/DOMAIN_OFF}}</td>
<td class="number" data-label="Used">{{#LIMITED}}<span class="usage"><meter min="0" max="100" high="90" value="{{PERCENT}}" aria-hidden="true"></meter><span>{{USED}} of {{QUOTA}}</span></span>{{/LIMITED}}{{#UNLIMITED}}{{USED}}{{/UNLIMITED}}</td>
<td class="tight"><div class="row-actions"><a class="button quiet small" href="/mailboxes/{{ID}}/password"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#key"></use></svg>Password<span class="hidden"> of {{ADDRESS}}</span></a></div></td>
</tr>
{{/MAILBOX}}
</tbody>
</table>
{{/ROWS}}
{{#NOTHING_FOUND}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#search"></use></svg><strong>No mailbox matches</strong><p>Search for a part of the address or of the person's name.</p></div>{{/NOTHING_FOUND}}
{{#NOTHING_THERE}}<div class="empty"><svg class="icon" aria-hidden="true"><use href="/static/icons.svg?v={{V}}#mailbox"></use></svg><strong>No mailboxes yet</strong><p>A mailbox is an address with a password, for mail programs and the webmail.</p></div>{{/NOTHING_THERE}}
{{>PAGER}}
</section>
