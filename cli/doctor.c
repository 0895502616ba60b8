#include "doctor.h"
#include "findings.h"
#include "subjects.h"

static enum cli_exit doctor(struct cli *cli, const struct cli_args *args) {
    (void)args;
    doctor_configuration(cli);
    doctor_places(cli);
    doctor_certificate(cli);
    doctor_database(cli);
    doctor_resolver(cli);
    doctor_services(cli);
    doctor_zones(cli);
    doctor_filters(cli);
    return findings_end(cli);
}

static const struct cli_verb verbs[] = {
    {.summary = "Look at the whole installation, and say what is wrong and what to do about it.", .run = doctor}, {0}};

const struct cli_subject subject_doctor = {
    "doctor", "what is wrong with this installation",
    "Checks the configuration, directories and disk space, the TLS certificate, the database with all its roles, the\n"
    "resolver, all listening daemons, and what the nameserver serves. Exit status 1: something failed.",
    verbs};
