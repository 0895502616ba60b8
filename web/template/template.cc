#include <ctemplate/template.h>
#include <ctemplate/template_cache.h>
#include <ctemplate/template_dictionary.h>
#include <ctemplate/template_emitter.h>

#include <atomic>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <sys/stat.h>

extern "C" {
#include "template/template.h"
}

using ctemplate::TemplateCache;
using ctemplate::TemplateDictionary;
using ctemplate::TemplateString;

struct templates {
    std::string folder;
    std::mutex lock; // of cache, which is frozen: readers share it, a reload puts a new one in its place
    std::shared_ptr<const TemplateCache> cache;
};

namespace {

const char PRAGMA[] = "{{%AUTOESCAPE context=\"HTML\"}}";

class BufEmitter : public ctemplate::ExpandEmitter {
  public:
    explicit BufEmitter(struct buf *buf) : out(buf) {}
    void Emit(char c) override { buf_add_byte(out, c); }
    void Emit(const std::string &s) override { buf_add(out, s.data(), s.size()); }
    void Emit(const char *s) override { buf_add_c(out, s); }
    void Emit(const char *s, size_t n) override { buf_add(out, s, n); }

  private:
    struct buf *out;
};

bool load_file(TemplateCache *cache, const std::string &folder, const std::string &name, struct err *err) {
    std::ifstream in(folder + "/" + name, std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    if (!in)
        return err_set(err, "cannot read the template %s in %s", name.c_str(), folder.c_str());
    std::string text = content.str();
    if (text.compare(0, sizeof PRAGMA - 1, PRAGMA) != 0)
        return err_set(err, "the template %s does not begin with %s and is refused", name.c_str(), PRAGMA);
    if (text.find(":none}}") != std::string::npos)
        return err_set(err, "the template %s switches escaping off (:none) and is refused", name.c_str());
    if (!cache->StringToTemplateCache(name, text, ctemplate::STRIP_BLANK_LINES))
        return err_set(err, "the template %s is malformed", name.c_str());
    return true;
}

bool load_folder(TemplateCache *cache, const std::string &root, const std::string &below, struct err *err) {
    std::unique_ptr<DIR, int (*)(DIR *)> dir(opendir((root + "/" + below).c_str()), closedir);
    if (!dir)
        return err_errno(err, "cannot read the folder of templates %s/%s", root.c_str(), below.c_str());
    while (const struct dirent *entry = readdir(dir.get())) {
        std::string name = entry->d_name, path = below + name;
        struct stat st;
        if (name[0] == '.' || stat((root + "/" + path).c_str(), &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && !load_folder(cache, root, path + "/", err))
            return false;
        bool is_template = S_ISREG(st.st_mode) && name.size() > 4 && name.compare(name.size() - 4, 4, ".tpl") == 0;
        if (is_template && !load_file(cache, root, path, err))
            return false;
    }
    return true;
}

// ctemplate keeps a process-wide table of all names ever used, behind a lock, and looks each one up anew with each
// value. Those that it knows as static it does not look up. Ours are literals in C: the first use of one makes it
// static, and its address finds it again. The copy is compared, so that a name that is no literal is merely slower.
class Names {
  public:
    TemplateString find(const char *name) {
        size_t at = (reinterpret_cast<uintptr_t>(name) * 0x9e3779b97f4a7c15u) >> 52;
        for (int i = 0; i < PROBES; i++, at = (at + 1) % SLOTS) {
            const Name *known = slots[at].load(std::memory_order_acquire);
            if (!known)
                return add(at, name);
            if (known->address == name)
                return known->copy == name ? TemplateString(known->string) : TemplateString(name);
        }
        return TemplateString(name);
    }

  private:
    enum { SLOTS = 4096, PROBES = 16 };
    struct Name {
        const char *address;
        std::string copy;
        ctemplate::StaticTemplateString string;
    };
    std::atomic<const Name *> slots[SLOTS] = {};

    std::mutex lock; // for adding

    // They stay as long as the process, as the literals do.
    TemplateString add(size_t at, const char *name) {
        std::lock_guard<std::mutex> guard(lock);
        if (slots[at].load(std::memory_order_relaxed))
            return TemplateString(name); // another thread was quicker; found the next time
        Name *made = new Name{name, name, {}};
        made->string = ctemplate::StaticTemplateString{{made->copy.c_str(), made->copy.size(), 0}};
        ctemplate::StaticTemplateStringInitializer initialize(&made->string);
        slots[at].store(made, std::memory_order_release);
        return TemplateString(made->string);
    }
};

Names names;

TemplateDictionary *of(struct dict *d) { return reinterpret_cast<TemplateDictionary *>(d); }
struct dict *as(TemplateDictionary *d) {
    return reinterpret_cast<struct dict *>(d);
}
TemplateString text(struct str s) { return TemplateString(s.p ? s.p : "", s.p ? s.n : 0); }

} // namespace

bool templates_reload(struct templates *t, struct err *err) {
    auto fresh = std::make_shared<TemplateCache>();
    if (!load_folder(fresh.get(), t->folder, "", err))
        return false;
    fresh->Freeze();
    std::lock_guard<std::mutex> guard(t->lock);
    t->cache = fresh;
    return true;
}

struct templates *templates_open(const char *folder, struct err *err) {
    auto t = std::make_unique<struct templates>();
    t->folder = folder;
    return templates_reload(t.get(), err) ? t.release() : nullptr;
}

void templates_free(struct templates *t) { delete t; }

bool templates_render(struct templates *t, const char *file, const struct dict *d, struct buf *out, struct err *err) {
    std::shared_ptr<const TemplateCache> cache;
    {
        std::lock_guard<std::mutex> guard(t->lock);
        cache = t->cache;
    }
    BufEmitter emitter(out);
    const auto *values = reinterpret_cast<const TemplateDictionary *>(d);
    if (!cache->ExpandNoLoad(file, ctemplate::STRIP_BLANK_LINES, values, nullptr, &emitter))
        return err_set(err, "the template %s, or one that it includes, is not there", file);
    return true;
}

struct dict *dict_new(void) {
    return as(new TemplateDictionary("page"));
}
void dict_free(struct dict *d) { delete of(d); }
void dict_set(struct dict *d, const char *name, struct str value) { of(d)->SetValue(names.find(name), text(value)); }
void dict_set_c(struct dict *d, const char *name, const char *value) {
    of(d)->SetValue(names.find(name), value ? value : "");
}
void dict_set_int(struct dict *d, const char *name, int64_t value) { of(d)->SetIntValue(names.find(name), value); }
void dict_global(struct dict *d, const char *name, struct str value) {
    of(d)->SetTemplateGlobalValue(names.find(name), text(value));
}
void dict_show(struct dict *d, const char *name) { of(d)->ShowSection(names.find(name)); }
struct dict *dict_section(struct dict *d, const char *name) {
    return as(of(d)->AddSectionDictionary(names.find(name)));
}

struct dict *dict_include(struct dict *d, const char *name, const char *file) {
    TemplateDictionary *included = of(d)->AddIncludeDictionary(names.find(name));
    included->SetFilename(file);
    return as(included);
}

void dict_show_if(struct dict *d, const char *name, bool yes) {
    if (yes)
        dict_show(d, name);
}
