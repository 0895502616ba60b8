{{%AUTOESCAPE context="HTML"}}
{{#ROWS}}<table class="list">
<thead><tr><th scope="col">Name</th><th scope="col">For</th><th scope="col">Last used</th><th scope="col"><span class="hidden">Remove</span></th></tr></thead>
<tbody>
{{#APP}}
<tr><td>{{NAME}}<small class="muted"> since <time datetime="{{CREATED_ISO}}">{{CREATED}}</time></small></td><td data-label="For">{{SCOPES}}</td><td data-label="Last used">{{#USED}}<time datetime="{{AT_ISO}}">{{AT}}</time> <span class="mono">{{FROM}}</span>{{/USED}}{{#UNUSED}}never{{/UNUSED}}</td><td><form method="post" action="{{PATH}}/{{ID}}/remove"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small" aria-label="Remove {{NAME}}">Remove</button></form></td></tr>
{{/APP}}
{{#TOKEN}}
<tr><td>{{NAME}} <span class="badge">Token</span><small class="muted"> until <time datetime="{{UNTIL_ISO}}">{{UNTIL}}</time></small></td><td data-label="For">{{SCOPES}}</td><td data-label="Last used">{{#USED}}<time datetime="{{AT_ISO}}">{{AT}}</time> <span class="mono">{{FROM}}</span>{{/USED}}{{#UNUSED}}never{{/UNUSED}}</td><td><form method="post" action="{{PATH}}/tokens/{{ID}}/remove"><input type="hidden" name="csrf" value="{{CSRF}}"><button class="button small" aria-label="Remove {{NAME}}">Remove</button></form></td></tr>
{{/TOKEN}}
</tbody>
</table>{{/ROWS}}
{{#EMPTY}}<p class="card-body muted">There are none.</p>{{/EMPTY}}
