/* The page /metrics: what every room measures, and what the process itself is. */
#ifndef LATERD_DAEMON_METRICS_H
#define LATERD_DAEMON_METRICS_H

#include "base/buf.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/*
 * laterd_build_info and the process_* metrics that Prometheus clients agree on: CPU and resident
 * memory, open and allowed files, start time (/proc/self; what cannot be read is left out).
 */
void metrics_process(struct buf *out);

#endif
