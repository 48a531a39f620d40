/* The commands of operators, and what they leave to be done in later turns. */
#ifndef LATERD_SERVICE_OPERATORS_H
#define LATERD_SERVICE_OPERATORS_H

#include "service/state.h"

/* -- Handlers of commands.c's table ------------------------------------------------------------ */

/* op_stats.c */
void op_stats(struct run *r);
/* op_users.c */
void op_users_list(struct run *r);
void op_users_show(struct run *r);
void op_users_packets(struct run *r);
void op_users_block(struct run *r);
void op_users_unblock(struct run *r);
/* op_limits.c */
void op_limits(struct run *r);
/* op_gateways.c */
void op_gateways_list(struct run *r);
void op_gateways_control(struct run *r);
/* op_retry.c */
void op_retry(struct run *r);
/* op_backup.c */
void op_backup(struct run *r);
/* op_control.c: the daemon itself */
void op_reload(struct run *r);
void op_drain(struct run *r);
void op_shutdown(struct run *r);

/* -- What goes on ------------------------------------------------------------------------------ */

/* p, QUEUED, would leave, but its sender is blocked: it is held, and true. */
bool op_users_hold_blocked(struct service *s, struct packet *p);
/*
 * Those gateways are paused of which that is on disk: after a start, another configuration, and
 * turns that failed.
 */
void op_gateways_recall(struct service *s);
/* The outcome of a test message: true when `id` was one. */
bool op_gateways_tested(struct service *s, const char *id, enum outcome outcome, const char *ref,
    const char *words);
/* The turn has ended. */
void op_gateways_end_turn(struct service *s, bool on_disk);
void op_retry_end_turn(struct service *s, bool on_disk);
void op_control_end_turn(struct service *s, bool on_disk);
void op_backup_end_turn(struct service *s, bool on_disk);
/* What is to be said behind "you are told": notices wait while the service is drained. */
const char *op_control_when_told(const struct service *s);
/* The turn is on disk, and nothing is written in the next one yet: copy some more. */
void op_backup_go_on(struct service *s);
void op_backup_clear(struct service *s);
/* The configuration was read again, or not. */
void op_reloaded(void *arg, bool ok, const char *why);
/* measure.c */
void measure_end_turn(struct service *s, bool on_disk);

#endif
