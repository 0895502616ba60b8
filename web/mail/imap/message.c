#include "mail/imap/connection.h"

#include <stdlib.h>

static struct str lower(struct arena *a, const char *s) { return arena_lower(a, str_of(s ? s : "")); }

static void read_parameters(struct arena *a, const struct mailimap_body_fld_param *list, struct mime_parameter **out,
                            size_t *count) {
    *count = 0;
    if (!list)
        return;
    struct mime_parameter *raw = arena_array(a, (size_t)clist_count(list->pa_list) + 1, sizeof *raw);
    for (clistiter *i = clist_begin(list->pa_list); i; i = clist_next(i)) {
        const struct mailimap_single_body_fld_param *p = clist_content(i);
        raw[*count].name = lower(a, p->pa_name);
        raw[(*count)++].value = arena_str(a, str_of(p->pa_value));
    }
    *out = mime_join_parameters(a, raw, count);
}

static struct str encoding_of(struct arena *a, const struct mailimap_body_fld_enc *e) {
    switch (e ? e->enc_type : MAILIMAP_BODY_FLD_ENC_7BIT) {
    case MAILIMAP_BODY_FLD_ENC_7BIT:
        return STR("7bit");
    case MAILIMAP_BODY_FLD_ENC_8BIT:
        return STR("8bit");
    case MAILIMAP_BODY_FLD_ENC_BINARY:
        return STR("binary");
    case MAILIMAP_BODY_FLD_ENC_BASE64:
        return STR("base64");
    case MAILIMAP_BODY_FLD_ENC_QUOTED_PRINTABLE:
        return STR("quoted-printable");
    default:
        return lower(a, e->enc_value);
    }
}

static void read_fields(struct arena *a, const struct mailimap_body_fields *f, struct mime_part *part) {
    read_parameters(a, f->bd_parameter, &part->parameter, &part->parameter_count);
    part->id = f->bd_id ? arena_str(a, str_of(f->bd_id)) : part->id;
    part->description = f->bd_description ? arena_str(a, str_of(f->bd_description)) : part->description;
    part->encoding = encoding_of(a, f->bd_encoding);
    part->body_bytes = f->bd_size;
}

static void read_disposition(struct arena *a, const struct mailimap_body_fld_dsp *d, struct mime_part *part) {
    if (!d)
        return;
    part->disposition = lower(a, d->dsp_type);
    read_parameters(a, d->dsp_attributes, &part->disposition_parameter, &part->disposition_parameter_count);
}

static struct str media_type(struct arena *a, const struct mailimap_media_basic *m) {
    switch (m->med_type) {
    case MAILIMAP_MEDIA_BASIC_APPLICATION:
        return STR("application");
    case MAILIMAP_MEDIA_BASIC_AUDIO:
        return STR("audio");
    case MAILIMAP_MEDIA_BASIC_IMAGE:
        return STR("image");
    case MAILIMAP_MEDIA_BASIC_MESSAGE:
        return STR("message");
    case MAILIMAP_MEDIA_BASIC_VIDEO:
        return STR("video");
    default:
        return lower(a, m->med_basic_type);
    }
}

static struct mime_part *read_body(struct arena *a, const struct mailimap_body *body, int depth);

static void add_child(struct mime_part *parent, struct mime_part *child) {
    struct mime_part **at = &parent->child;
    uint32_t number = 1;
    for (; *at; at = &(*at)->next)
        number++;
    child->parent = parent;
    child->number = number;
    *at = child;
}

static void read_single(struct arena *a, const struct mailimap_body_type_1part *one, struct mime_part *part,
                        int depth) {
    const struct mailimap_body_type_msg *message = one->bd_data.bd_type_msg;
    switch (one->bd_type) {
    case MAILIMAP_BODY_TYPE_1PART_TEXT:
        part->type = STR("text");
        part->subtype = lower(a, one->bd_data.bd_type_text->bd_media_text);
        read_fields(a, one->bd_data.bd_type_text->bd_fields, part);
        break;
    case MAILIMAP_BODY_TYPE_1PART_MSG:
        part->type = STR("message");
        part->subtype = STR("rfc822");
        read_fields(a, message->bd_fields, part);
        if (depth < MIME_MAX_DEPTH)
            add_child(part, read_body(a, message->bd_body, depth + 1));
        if (message->bd_envelope && message->bd_envelope->env_subject)
            part->description = mime_decode_words(a, str_of(message->bd_envelope->env_subject));
        break;
    default:
        part->type = media_type(a, one->bd_data.bd_type_basic->bd_media_basic);
        part->subtype = lower(a, one->bd_data.bd_type_basic->bd_media_basic->med_subtype);
        read_fields(a, one->bd_data.bd_type_basic->bd_fields, part);
    }
    if (one->bd_ext_1part)
        read_disposition(a, one->bd_ext_1part->bd_disposition, part);
}

/* As deep as the server's own parser goes (MIME_MAX_DEPTH). */
static struct mime_part *read_body(struct arena *a, const struct mailimap_body *body, int depth) {
    struct mime_part *part = arena_alloc(a, sizeof *part);
    part->encoding = STR("7bit");
    if (body->bd_type == MAILIMAP_BODY_1PART) {
        read_single(a, body->bd_data.bd_body_1part, part, depth);
        return part;
    }
    const struct mailimap_body_type_mpart *many = body->bd_data.bd_body_mpart;
    part->type = STR("multipart");
    part->subtype = lower(a, many->bd_media_subtype);
    if (many->bd_ext_mpart) {
        read_parameters(a, many->bd_ext_mpart->bd_parameter, &part->parameter, &part->parameter_count);
        read_disposition(a, many->bd_ext_mpart->bd_disposition, part);
    }
    struct mime_part **at = &part->child;
    uint32_t number = 1;
    for (clistiter *i = depth < MIME_MAX_DEPTH ? clist_begin(many->bd_list) : NULL; i; i = clist_next(i)) {
        struct mime_part *child = read_body(a, clist_content(i), depth + 1);
        child->parent = part;
        child->number = number++;
        *at = child;
        at = &child->next;
    }
    return part;
}

static void read_static(struct arena *a, const struct mailimap_msg_att_static *s, struct mail_message *m) {
    const struct mailimap_msg_att_body_section *section;
    switch (s->att_type) {
    case MAILIMAP_MSG_ATT_UID:
        m->uid = s->att_data.att_uid;
        break;
    case MAILIMAP_MSG_ATT_INTERNALDATE:
        m->date = time_of(s->att_data.att_internal_date);
        break;
    case MAILIMAP_MSG_ATT_RFC822_SIZE:
        m->size = s->att_data.att_rfc822_size;
        break;
    case MAILIMAP_MSG_ATT_BODYSTRUCTURE:
        m->root = read_body(a, s->att_data.att_bodystructure, 0);
        break;
    case MAILIMAP_MSG_ATT_BODY_SECTION:
        section = s->att_data.att_body_section;
        m->header = arena_str(a, str_n(section->sec_body_part, section->sec_body_part ? section->sec_length : 0));
        break;
    default:
        break;
    }
}

static void read_message(struct arena *a, const struct mailimap_msg_att *att, struct mail_message *m) {
    m->sequence = att->att_number;
    for (clistiter *i = clist_begin(att->att_list); i; i = clist_next(i)) {
        const struct mailimap_msg_att_item *item = clist_content(i);
        if (item->att_type == MAILIMAP_MSG_ATT_ITEM_DYNAMIC)
            m->flags = flags_of(item->att_data.att_dyn);
        else if (item->att_type == MAILIMAP_MSG_ATT_ITEM_STATIC)
            read_static(a, item->att_data.att_static, m);
    }
}

static uint32_t uid_in(const struct mailimap_msg_att *att) {
    for (clistiter *i = clist_begin(att->att_list); i; i = clist_next(i)) {
        const struct mailimap_msg_att_item *item = clist_content(i);
        if (item->att_type == MAILIMAP_MSG_ATT_ITEM_STATIC &&
            item->att_data.att_static->att_type == MAILIMAP_MSG_ATT_UID)
            return item->att_data.att_static->att_data.att_uid;
    }
    return 0;
}

static enum imap_status neighbours(struct imap *c, struct mail_message *m, struct err *err) {
    uint32_t first = m->sequence > 1 ? m->sequence - 1 : 1,
             last = m->sequence < m->exists ? m->sequence + 1 : m->sequence;
    enum imap_status status = pipeline_one(c, err, "FETCH %u:%u (UID)", first, last);
    if (status != IMAP_OK)
        return status;
    for (clistiter *i = clist_begin(c->session->imap_response_info->rsp_fetch_list); i; i = clist_next(i)) {
        const struct mailimap_msg_att *att = clist_content(i);
        if (att->att_number + 1 == m->sequence)
            m->older = uid_in(att);
        if (att->att_number == m->sequence + 1)
            m->newer = uid_in(att);
    }
    return IMAP_OK;
}

enum imap_status imap_message(struct imap *c, struct arena *a, struct str mailbox, uint32_t uid,
                              struct mail_message *out, struct err *err) {
    *out = (struct mail_message){0};
    enum imap_status status = imap_select(c, mailbox, err);
    if (status == IMAP_OK)
        status = pipeline_one(c, err,
                              "UID FETCH %u (UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER])", uid);
    if (status != IMAP_OK)
        return status;
    for (clistiter *i = clist_begin(c->session->imap_response_info->rsp_fetch_list); i; i = clist_next(i))
        if (uid_in(clist_content(i)) == uid)
            read_message(a, clist_content(i), out);
    out->exists = c->session->imap_selection_info->sel_exists;
    out->uidvalidity = imap_uidvalidity(c);
    if (out->uid != uid || !out->root) {
        err_set(err, "This message is not there any more. It may have been moved or deleted.");
        return IMAP_NO;
    }
    return neighbours(c, out, err);
}

enum imap_status imap_section(struct imap *c, uint32_t uid, struct str section, size_t max, struct buf *out,
                              struct err *err) {
    enum imap_status status =
        pipeline_one(c, err, "UID FETCH %u (UID BODY.PEEK[%.*s]<0.%zu>)", uid, STR_ARG(section), max);
    if (status != IMAP_OK)
        return status;
    bool found = false;
    for (clistiter *i = clist_begin(c->session->imap_response_info->rsp_fetch_list); i; i = clist_next(i)) {
        const struct mailimap_msg_att *att = clist_content(i);
        for (clistiter *j = clist_begin(att->att_list); j && uid_in(att) == uid; j = clist_next(j)) {
            const struct mailimap_msg_att_item *item = clist_content(j);
            if (item->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC ||
                item->att_data.att_static->att_type != MAILIMAP_MSG_ATT_BODY_SECTION)
                continue;
            const struct mailimap_msg_att_body_section *s = item->att_data.att_static->att_data.att_body_section;
            buf_add(out, s->sec_body_part, s->sec_body_part ? s->sec_length : 0);
            found = true;
        }
    }
    if (found)
        return IMAP_OK;
    err_set(err, "This message is not there any more. It may have been moved or deleted.");
    return IMAP_NO;
}
