/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleep and wake-up in `receive`: two senders, one receiver, and a timer. Messages are numbered in the order in which the
 * kernel accepts them. Each arrives once and in that order [MSG-SEND-5] [MSG-RECEIVE-1] [MSG-RECEIVE-2]; the receiver never
 * sleeps on, without a timer, while a message waits [MSG-RECEIVE-3]: that would be an invalid end state.
 *
 * controls: NO_LOOK SPLIT_SLEEP NO_WAKE FORGET_RECEIVER STALE_TIMER
 */
#define EACH 2
#define ALL (2 * EACH)

mtype = { NOTHING, OK, IN_RING, TIMEOUT };

byte accepted;    /* messages so far */
byte expected;    /* what the receiver should see next */
byte taken, tail; /* of the ring */
byte ring[ALL];
bool receiver;    /* queue->receiver is set */
bool asleep;
mtype status;
byte registers;

inline wake(how)
{
#ifndef FORGET_RECEIVER
    receiver = false;
#endif
    status = how;
    asleep = false
}

/* Every entry into the kernel is one atomic step; the owner's plain loads and stores are not part of any. */
proctype sender()
{
    byte sent = 0;

    do
    :: sent == EACH -> break
    :: sent < EACH ->
        atomic {
            if
            :: receiver -> registers = accepted; wake(OK) /* small */
            :: true ->
                ring[tail] = accepted;
                tail++;
                if
#ifndef NO_WAKE
                :: receiver -> wake(IN_RING)
#endif
                :: else
                fi
            fi;
            accepted++;
            sent++
        }
    od
}

proctype timer()
{
    byte ticks = 0;

    do
    :: ticks == 2 -> break
    :: ticks < 2 ->
end:
        asleep;
        atomic {
            if
#ifdef STALE_TIMER
            :: true -> wake(TIMEOUT)
#else
            :: asleep -> wake(TIMEOUT)
            :: else
#endif
            fi;
            ticks++
        }
    :: break
    od
}

proctype owner()
{
    do
    :: taken < tail ->
        assert(ring[taken] == expected);
        expected++;
        taken++
    :: expected == ALL -> break
    :: taken == tail && expected < ALL -> /* seen by the owner; may be out of date by the time it calls */
        atomic {
            status = NOTHING;
            if
#ifndef NO_LOOK
            :: taken < tail -> status = IN_RING; goto awake
            :: else
#else
            :: true
#endif
            fi;
#ifdef SPLIT_SLEEP
        }
        atomic {
#endif
            receiver = true;
            asleep = true
        }
        !asleep;
awake:
        if
        :: status == OK -> assert(registers == expected); expected++
        :: else -> assert(status != NOTHING)
        fi
    od;
    assert(accepted == ALL && taken == tail)
}

init
{
    atomic { run sender(); run sender(); run timer(); run owner() }
}
