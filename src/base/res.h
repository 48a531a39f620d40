/* What a call came to.  Results are handled by every caller; 0 is success. */
#ifndef LATERD_BASE_RES_H
#define LATERD_BASE_RES_H

enum res {
	RES_OK = 0,
	RES_NOTFOUND,  /* no such thing, or it changed before we could */
	RES_DENIED,    /* the asker may not */
	RES_OVERQUOTA, /* it would exceed a limit of the asker */
	RES_INVALID,   /* the input is wrong and would be wrong again */
	RES_TEMPFAIL,  /* not now: the same call may work later */
	RES_PERMFAIL,  /* never: the thing itself is damaged or refused */
	RES_UNCERTAIN, /* it may or may not have happened */
	RES_NOMEM      /* a bound or the memory of the machine was reached */
};

#endif
