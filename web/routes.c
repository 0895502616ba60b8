#include "routes.h"

#include "admin/admin.h"
#include "mail/mail.h"
#include "session/login.h"

const struct route *const all_routes[] = {
    login_routes,      overview_routes,     domains_routes,
    domain_routes,     mailboxes_routes,    mailbox_routes,
    alias_routes,      zone_routes,         record_routes,
    reseller_routes,   operator_routes,     queue_routes,
    trace_routes,      audit_routes,        settings_routes,
    rules_routes,      access_routes,       filter_routes,
    senders_routes,    profile_routes,      apps_routes,
    logins_routes,     sharing_routes,      bans_routes,
    alarms_routes,     limits_routes,       removed_routes,
    retention_routes,  mail_list_routes,    mail_act_routes,
    mail_read_routes,  mail_body_routes,    mail_part_routes,
    mail_write_routes, mail_send_routes,    mail_folder_routes,
    mail_news_routes,  mail_removed_routes, NULL,
};
