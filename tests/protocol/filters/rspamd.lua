-- Rules for tests: what a message's own fields ask for is done, and what rspamd was told of the message comes back in a field.

rspamd_config:register_symbol({
  name = 'TEST_SCORE', score = 1.0, type = 'normal',
  callback = function(task)
    local score = task:get_header('X-Test-Score')
    if score then return true, tonumber(score), 'asked for' end
  end
})

rspamd_config:register_symbol({
  name = 'TEST_RESULT', score = 0.0, type = 'prefilter',
  callback = function(task)
    local result = task:get_header('X-Test-Result')
    if result then task:set_pre_result(result, 'said by the test') end
  end
})

rspamd_config:register_symbol({
  name = 'TEST_MILTER', score = 0.0, type = 'postfilter',
  callback = function(task)
    local facts = {}
    local function fact(name, value) table.insert(facts, name .. '=' .. tostring(value or '')) end
    local from = task:get_from('smtp')
    fact('ip', task:get_from_ip())
    fact('helo', task:get_helo())
    fact('host', task:get_hostname())
    fact('user', task:get_user())
    fact('id', task:get_queue_id())
    fact('from', from and from[1] and from[1].addr)
    for _, rcpt in ipairs(task:get_recipients('smtp') or {}) do fact('rcpt', rcpt.addr) end
    fact('mta', task:get_request_header('MTA-Name'))
    fact('tls', task:get_request_header('TLS-Version'))
    task:set_milter_reply({
      add_headers = {['X-Facts'] = {value = table.concat(facts, ' '), order = 0}, ['X-Last'] = 'the end'},
      remove_headers = {['X-All'] = 0, ['X-Second'] = 2, ['X-From-End'] = -1},
    })
  end
})
