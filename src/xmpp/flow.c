#include "xmpp/flow.h"

#include <event2/buffer.h>
#include <event2/event.h>

#define HIGH ((size_t)1 << 20)
#define LOW ((size_t)256 << 10)

static void
on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	struct flow *f = arg;

	(void)output;
	if (info->n_deleted > 0)
		f->taken_at = clock_mono(f->clock);
}

static size_t
backlog(const struct flow *f)
{
	return evbuffer_get_length(bufferevent_get_output(f->bev));
}

enum res
flow_begin(struct flow *f, struct bufferevent *bev, const struct clock *clock)
{
	*f = (struct flow){ .clock = clock };
	if (evbuffer_add_cb(bufferevent_get_output(bev), on_output, f) == NULL)
		return RES_NOMEM;
	f->bev = bev;
	bufferevent_setwatermark(bev, EV_WRITE, LOW, 0);
	return RES_OK;
}

void
flow_end(struct flow *f)
{
	if (f->bev != NULL)
		evbuffer_remove_cb(bufferevent_get_output(f->bev), on_output, f);
	*f = (struct flow){ 0 };
}

bool
flow_hold(struct flow *f)
{
	if (f->held || backlog(f) <= HIGH)
		return false;
	f->held = true;
	f->taken_at = clock_mono(f->clock);
	bufferevent_disable(f->bev, EV_READ);
	return true;
}

bool
flow_release(struct flow *f)
{
	if (!f->held || backlog(f) > LOW)
		return false;
	f->held = false;
	f->released_at = clock_mono(f->clock);
	return true;
}

void
flow_listen(struct flow *f)
{
	if (!f->held)
		bufferevent_enable(f->bev, EV_READ);
}
