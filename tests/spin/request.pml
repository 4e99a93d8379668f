/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request's life: a client that may cancel or die at any moment, incarnations of a server that may reply, drop, hold
 * on to an old id, or die, and at last the end of the server's queue. When all is quiet each accepted request has had
 * exactly one ending and no reservation is left [MSG-REQUEST-1] [MSG-REQUEST-2] [MSG-BIND-2] [MSG-BIND-3] [MSG-BIND-5].
 *
 * controls: NO_GENERATION KEEP_CANCELLED FORGET_TAKEN FORGET_UNTAKEN KEEP_RESERVED FORGET_CLIENT
 */
#define REQUESTS 3
#define SLOTS 2
#define INCARNATIONS 2

typedef slot {
    bool pending;
    bool taken;
    byte generation;
    byte request;
};

slot slots[SLOTS];
byte endings[REQUESTS];
bool accepted[REQUESTS];
byte reserved; /* in the client's queue */
byte count;    /* of pending requests */
bool reply_gone, server_gone; /* the queues */
chan ring = [REQUESTS] of { byte, byte }; /* slot, generation */

/* The request's one ending: whatever it is, it gives back what was kept. */
inline finish(s)
{
    assert(!reply_gone);
    endings[slots[s].request]++;
    assert(endings[slots[s].request] == 1);
    slots[s].pending = false;
    slots[s].generation++;
    count--;
#ifndef KEEP_RESERVED
    reserved--;
#endif
}

inline cancel(s)
{
#ifdef KEEP_CANCELLED
    endings[slots[s].request]++;
#else
    finish(s);
#endif
}

#ifdef NO_GENERATION
#define good(s, g) slots[s].pending
#else
#define good(s, g) (slots[s].pending && slots[s].generation == g)
#endif

proctype client()
{
    byte request = 0;
    byte s, g;

    do
    :: request < REQUESTS ->
        atomic {
            if
            :: !server_gone && !slots[0].pending -> s = 0
            :: !server_gone && slots[0].pending && !slots[1].pending -> s = 1
            :: else -> goto refused
            fi;
            slots[s].pending = true;
            slots[s].taken = false;
            slots[s].request = request;
            g = slots[s].generation;
            accepted[request] = true;
            reserved++;
            count++;
            ring!s, g
        }
        if
        :: atomic { slots[s].pending && slots[s].generation == g -> cancel(s) }
        :: true
        fi;
refused:
        request++
    :: break
    od;
    if
    :: true -> count == 0 /* it lives until all is answered */
    :: true
    fi;
    /* Its end: a step for each request that still waits for an answer; no others can come. */
#ifndef FORGET_CLIENT
    s = 0;
    do
    :: s == SLOTS -> break
    :: s < SLOTS ->
        atomic {
            if
            :: slots[s].pending -> cancel(s)
            :: else
            fi;
            s++
        }
    od;
#endif
    reply_gone = true
}

/* Replies and drops end alike. The id may be old. */
proctype server()
{
    byte incarnation = 0;
    byte s, g;
    bool holds;

    do
    :: incarnation == INCARNATIONS -> break
    :: incarnation < INCARNATIONS ->
        holds = false;
        do
        :: atomic {
                ring?s, g ->
                holds = true;
                if
                :: slots[s].pending && slots[s].generation == g -> slots[s].taken = true
                :: else
                fi
            }
        :: holds ->
            atomic {
                if
                :: good(s, g) -> assert(slots[s].generation == g); finish(s)
                :: else /* CANCELLED */
                fi
            }
        :: break /* it dies */
        od;
        s = 0;
        do
        :: s == SLOTS -> break
        :: s < SLOTS ->
            atomic {
                if
#ifndef FORGET_TAKEN
                :: slots[s].pending && slots[s].taken -> finish(s)
#endif
                :: else
                fi;
                s++
            }
        od;
        assert(!(slots[0].pending && slots[0].taken) && !(slots[1].pending && slots[1].taken));
        incarnation++
    od;
    /* The last handle to the queue is closed. */
    server_gone = true;
    s = 0;
    do
    :: s == SLOTS -> break
    :: s < SLOTS ->
        atomic {
            if
#ifndef FORGET_UNTAKEN
            :: slots[s].pending -> finish(s)
#endif
            :: else
            fi;
            s++
        }
    od
}

active proctype judge()
{
    byte i = 0;

    atomic { run client(); run server() }
    timeout;
    assert(count == 0 && reserved == 0);
    do
    :: i == REQUESTS -> break
    :: i < REQUESTS -> assert(endings[i] == accepted[i]); i++
    od
}
