{{%AUTOESCAPE context="HTML"}}
<fieldset class="full"><legend>Ways to log in</legend>
<input type="hidden" name="protocols" value="1">
{{#PROTOCOL}}
<label class="check"><input type="checkbox" name="protocol-{{NAME}}" value="1"{{#ON}} checked{{/ON}}><span>{{TITLE}}{{#DOMAIN_OFF}}<small>Switched off for the whole domain.</small>{{/DOMAIN_OFF}}</span></label>
{{/PROTOCOL}}
</fieldset>
