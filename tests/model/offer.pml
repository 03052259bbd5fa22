/* One call, its offers and their agents, and two nodes that both believe to own the tenant.

   A node folds one event in its memory and commits it in a second step; anything may happen in between. What comes in
   stands in sets: it is folded in any order, and what Teams tells may be folded again. The fold is core/fold*.py cut
   down to the offer; every step is written CALL(from, move, to) or AGENT(agent, from, move, to), so that a test can hold
   it against the tables of the core.

   NO_FENCE: whatever is said of an offer is taken for the one that rings. NO_EPOCH: whoever believes to own commits.
   LEAN: who has missed a ring stays away. ANYBODY: see HAS_ANSWERED. */

#define AGENTS 2
#ifndef OFFERS
#define OFFERS 2
#endif
#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef CHECKS
#define CHECKS 2
#endif
#ifndef ROSTERS
#define ROSTERS 2
#endif
#define DB 2            /* the books that count; 0 and 1 are the nodes' memories */
#define NOBODY AGENTS
#define BIT(n) (1 << (n))

#if OFFERS == 2
#define EACH_OFFER(macro) macro(1) macro(2)
#else
#define EACH_OFFER(macro) macro(1) macro(2) macro(3)
#endif
#if CHECKS == 1
#define EACH_CHECK(macro) macro(1)
#elif CHECKS == 2
#define EACH_CHECK(macro) macro(1) macro(2)
#else
#define EACH_CHECK(macro) macro(1) macro(2) macro(3)
#endif
#if ROSTERS == 2
#define EACH_ROSTER(macro) macro(1) macro(2)
#else
#define EACH_ROSTER(macro) macro(1) macro(2) macro(3)
#endif

mtype = { C_QUEUED, C_OFFERED, C_CONNECTED, C_WRAP_UP, C_CLOSED,
          A_READY, A_RINGING, A_TALKING, A_WRAP_UP, A_NOT_RESPONDING,
          OfferTimedOut, OfferFailed, OfferDeclined, InviteCompleted, RosterSeen, CallRefreshed, CallEnded, CheckDue,
          WrapUpSaved, WentReady, Nothing };

typedef Books {
  mtype call; mtype agent[AGENTS];
  byte offers, live, who, expired, completed, checks, roster, excluded, withdrawn, holder
};
typedef Orders { byte invite, withdraw, refresh; bool hang_up, check; byte timed_out, accepted };

Books b[3];
Orders ordered[2];      /* of a fold that is not committed */
byte epoch = 0; byte mine[2]; mtype at_work[2]; byte about[2];

/* the inbox and the timers: sets by number of offer, roster or check */
byte timed_out, failed, declined, completed, seen, refreshed; bool ended, check;
byte read_roster[CHECKS + 1]; bool read_end[CHECKS + 1];
/* the outbox */
Orders out;
/* Teams */
bool stands_call = true; byte ring, stands, roster; byte content[ROSTERS + 1]; byte rung[OFFERS + 1];
/* what must stay true */
byte invited, accepted, refused; bool is_cut;

#define CALL(from, move, to)        assert(b[n].call == from); b[n].call = to
#define AGENT(a, from, move, to)    assert(b[n].agent[a] == from); b[n].agent[a] = to
#ifdef NO_FENCE
#define RINGS(k) (b[n].live != 0)
#else
#define RINGS(k) (b[n].live != 0 && b[n].live == (k))
#endif

inline copy(from, to) {
  b[to].call = b[from].call; b[to].agent[0] = b[from].agent[0]; b[to].agent[1] = b[from].agent[1];
  b[to].offers = b[from].offers; b[to].live = b[from].live; b[to].who = b[from].who;
  b[to].expired = b[from].expired; b[to].completed = b[from].completed; b[to].checks = b[from].checks;
  b[to].roster = b[from].roster; b[to].excluded = b[from].excluded; b[to].withdrawn = b[from].withdrawn;
  b[to].holder = b[from].holder
}

inline let_go(m) {
  mine[m] = 0; b[m].call = 0; b[m].agent[0] = 0; b[m].agent[1] = 0; b[m].offers = 0; b[m].live = 0; b[m].who = 0;
  b[m].expired = 0; b[m].completed = 0; b[m].checks = 0; b[m].roster = 0; b[m].excluded = 0; b[m].withdrawn = 0;
  b[m].holder = 0
}

inline forget(o) {
  o.invite = 0; o.withdraw = 0; o.refresh = 0; o.hang_up = false; o.check = false; o.timed_out = 0; o.accepted = 0
}

inline make_offer(a) {
  AGENT(a, A_READY, RING, A_RINGING); CALL(C_QUEUED, OFFER, C_OFFERED);
  b[n].offers++; b[n].live = b[n].offers; b[n].who = a; b[n].expired = 0; b[n].completed = 0;
  b[n].withdrawn = b[n].withdrawn & ~BIT(a);
  ordered[n].invite = ordered[n].invite | BIT(b[n].live); ordered[n].timed_out = ordered[n].timed_out | BIT(b[n].live)
}

#define FREE(a) (b[n].agent[a] == A_READY && !(b[n].excluded & BIT(a)))
inline seek() {
  if
  :: b[n].call == C_QUEUED && b[n].offers < OFFERS && FREE(0) -> make_offer(0)
  :: b[n].call == C_QUEUED && b[n].offers < OFFERS && FREE(1) -> make_offer(1)
  :: else
  fi
}

inline end_offer(is_missed, still_rings, is_excluded) {
  CALL(C_OFFERED, OFFER_END, C_QUEUED);
  if
  :: is_missed -> AGENT(b[n].who, A_RINGING, MISS, A_NOT_RESPONDING)
  :: else -> AGENT(b[n].who, A_RINGING, RESTORE, A_READY)
  fi;
  if
  :: is_excluded -> assert(is_missed || refused & BIT(b[n].live));      /* who is said to have declined has declined */
                    b[n].excluded = b[n].excluded | BIT(b[n].who)
  :: else
  fi;
  if
  :: still_rings -> ordered[n].withdraw = ordered[n].withdraw | BIT(b[n].live);
                    b[n].withdrawn = b[n].withdrawn | BIT(b[n].who)
  :: else
  fi;
  b[n].live = 0; b[n].who = NOBODY; b[n].expired = 0; b[n].completed = 0
}

inline order_refresh() {
  if
  :: b[n].checks < CHECKS -> b[n].checks++; ordered[n].refresh = ordered[n].refresh | BIT(b[n].checks)
  :: else -> is_cut = true      /* the model's bound, not the product's */
  fi
}

inline start_wrap_up(a) {
  if
  :: b[n].agent[a] == A_TALKING -> AGENT(a, A_TALKING, OVER, A_WRAP_UP)
  :: b[n].agent[a] == A_READY -> AGENT(a, A_READY, OVER, A_WRAP_UP)
  :: b[n].agent[a] == A_NOT_RESPONDING -> AGENT(a, A_NOT_RESPONDING, OVER, A_WRAP_UP)
  :: else
  fi
}

inline leave() {
  CALL(C_CONNECTED, LEAVE, C_WRAP_UP); ordered[n].hang_up = true; start_wrap_up(b[n].holder)
}

inline join(a) {
  if
  :: b[n].call == C_CLOSED -> CALL(C_CLOSED, JOIN, C_WRAP_UP); b[n].holder = a; start_wrap_up(a)
  :: else ->
    if
    :: b[n].live != 0 && b[n].who == a -> ordered[n].accepted = ordered[n].accepted | BIT(b[n].live)
    :: b[n].live != 0 && b[n].who != a -> end_offer(false, true, false)
    :: else
    fi;
    if
    :: b[n].agent[a] == A_RINGING -> AGENT(a, A_RINGING, JOIN, A_TALKING)
    :: b[n].agent[a] == A_READY -> AGENT(a, A_READY, JOIN, A_TALKING)
    :: b[n].agent[a] == A_NOT_RESPONDING -> AGENT(a, A_NOT_RESPONDING, JOIN, A_TALKING)
    :: else
    fi;
    if
    :: b[n].call == C_OFFERED -> CALL(C_OFFERED, JOIN, C_CONNECTED)
    :: else -> CALL(C_QUEUED, JOIN, C_CONNECTED)
    fi;
    b[n].holder = a; b[n].live = 0; b[n].who = NOBODY; b[n].expired = 0; b[n].completed = 0
  fi
}

/* Who stood in the call, by the roster of number s: a withdrawn agent is believed only by a re-read. */
inline roster_seen(s, is_read) {
  there = content[s]; is_newest = s >= b[n].roster;
  if
  :: !is_read && (there & b[n].withdrawn) ->
    crossed = there & b[n].withdrawn;
    if
    :: b[n].holder != NOBODY -> crossed = crossed & ~BIT(b[n].holder)
    :: else
    fi;
    there = there & ~crossed;
    if
    :: crossed && (b[n].call == C_QUEUED || b[n].call == C_OFFERED || b[n].call == C_CONNECTED) ->
      ordered[n].check = true
    :: else
    fi;
    crossed = 0
  :: else
  fi;
  if
  :: s > b[n].roster -> b[n].roster = s
  :: else
  fi;
  if
  :: there && b[n].holder == NOBODY ->
    if
    :: there & BIT(0) -> join(0)
    :: else -> join(1)
    fi;
    if
    :: !is_newest && b[n].call == C_CONNECTED -> leave()
    :: else
    fi
  :: is_newest && b[n].call == C_CONNECTED && !(there & BIT(b[n].holder)) -> leave()
  :: else
  fi;
  there = 0; is_newest = false
}

inline call_ended() {
  if
  :: b[n].call == C_QUEUED -> CALL(C_QUEUED, END, C_CLOSED)
  :: b[n].call == C_OFFERED -> CALL(C_OFFERED, END, C_CLOSED);
     AGENT(b[n].who, A_RINGING, RESTORE, A_READY); b[n].live = 0; b[n].who = NOBODY; b[n].expired = 0; b[n].completed = 0
  :: b[n].call == C_CONNECTED -> CALL(C_CONNECTED, END, C_WRAP_UP); start_wrap_up(b[n].holder)
  :: else
  fi
}

inline call_refreshed(k) {
  if
  :: read_end[k] -> call_ended()
  :: else -> roster_seen(read_roster[k], true)
  fi;
  if
  :: k && b[n].completed && k >= b[n].completed -> join(b[n].who); leave()
  :: k && !b[n].completed && b[n].expired && k >= b[n].expired -> end_offer(true, true, true); seek()
  :: else
  fi
}

inline fold() {
  if
  :: at_work[n] == OfferTimedOut && RINGS(about[n]) -> b[n].expired = b[n].checks + 1; order_refresh()
  :: at_work[n] == OfferFailed && RINGS(about[n]) -> end_offer(false, false, true); seek()
  :: at_work[n] == OfferDeclined && RINGS(about[n]) ->
    if
    :: b[n].completed -> order_refresh()
    :: else -> end_offer(false, true, true); seek()
    fi
  :: at_work[n] == InviteCompleted && RINGS(about[n]) -> b[n].completed = b[n].checks + 1; ordered[n].check = true
  :: at_work[n] == RosterSeen -> roster_seen(about[n], false)
  :: at_work[n] == CallRefreshed -> call_refreshed(about[n])
  :: at_work[n] == CallEnded -> call_ended()
  :: at_work[n] == CheckDue && b[n].call != C_WRAP_UP && b[n].call != C_CLOSED ->
    order_refresh();
    if
    :: b[n].call == C_QUEUED -> b[n].excluded = 0; seek()
    :: else
    fi
  :: at_work[n] == WrapUpSaved && b[n].call == C_WRAP_UP ->
    CALL(C_WRAP_UP, SAVE_WRAP_UP, C_CLOSED);
    if
    :: b[n].agent[b[n].holder] == A_WRAP_UP -> AGENT(b[n].holder, A_WRAP_UP, FINISH, A_READY)
    :: else
    fi
  :: at_work[n] == WentReady && b[n].agent[about[n]] == A_NOT_RESPONDING ->
    AGENT(about[n], A_NOT_RESPONDING, READY, A_READY); seek()
  :: else         /* an illegal event: nothing */
  fi
}

/* What was folded is marked; what Teams told may have been told twice. */
inline mark() {
  if
  :: at_work[n] == OfferTimedOut -> timed_out = timed_out & ~BIT(about[n])
  :: at_work[n] == OfferFailed -> failed = failed & ~BIT(about[n])
  :: at_work[n] == OfferDeclined -> declined = declined & ~BIT(about[n])
  :: at_work[n] == InviteCompleted -> completed = completed & ~BIT(about[n])
  :: at_work[n] == RosterSeen -> seen = seen & ~BIT(about[n])
#ifdef DOUBLED
  :: at_work[n] == RosterSeen            /* it will come again */
#endif
  :: at_work[n] == CallRefreshed -> refreshed = refreshed & ~BIT(about[n]); read_roster[about[n]] = 0;
     read_end[about[n]] = false
  :: at_work[n] == CallEnded -> ended = false
  :: at_work[n] == CheckDue -> check = false
  :: else
  fi
}

#define NEWS (b[DB].live -> BIT(b[DB].live) : 0)
inline commit() {
  copy(n, DB); mark();
  assert(!(invited & ordered[n].invite));              /* no offer rings twice, and none is for two agents */
  invited = invited | ordered[n].invite; accepted = accepted | ordered[n].accepted;
  assert(!(accepted & (accepted - 1)));                /* one accepted offer per call */
  out.invite = out.invite | ordered[n].invite; out.withdraw = out.withdraw | ordered[n].withdraw;
  out.refresh = out.refresh | ordered[n].refresh; out.hang_up = out.hang_up || ordered[n].hang_up;
  check = check || ordered[n].check;
  if
  :: ordered[n].invite -> rung[b[DB].live] = b[DB].who
  :: else
  fi;
  timed_out = timed_out | ordered[n].timed_out;
#ifndef NO_FENCE
  /* What is said of an offer that is over would be folded to nothing: set aside at once, it costs no states. */
  timed_out = timed_out & NEWS; failed = failed & NEWS; declined = declined & NEWS; completed = completed & NEWS;
#endif
  if
  :: b[DB].call == C_CLOSED && b[DB].holder != NOBODY -> seen = 0; refreshed = 0; ended = false; check = false
  :: else
  fi
}

#define RINGING_AGENTS ((b[DB].agent[0] == A_RINGING) + (b[DB].agent[1] == A_RINGING))
#define TALKING_AGENTS ((b[DB].agent[0] == A_TALKING) + (b[DB].agent[1] == A_TALKING))
inline is_sound() {
  assert((b[DB].call == C_OFFERED) == (b[DB].live != 0));
  assert(RINGING_AGENTS == (b[DB].call == C_OFFERED)); assert(TALKING_AGENTS == (b[DB].call == C_CONNECTED));
  assert(b[DB].live == 0 || b[DB].agent[b[DB].who] == A_RINGING);
  assert(b[DB].call != C_CONNECTED || b[DB].agent[b[DB].holder] == A_TALKING)
}

#define MAY (!is_cut && mine[n] && at_work[n] == Nothing)
#define TAKE(set, event, k)  :: MAY && (set & BIT(k)) -> at_work[n] = event; about[n] = k
#define TAKE_TIMED_OUT(k) TAKE(timed_out, OfferTimedOut, k)
#define TAKE_FAILED(k)    TAKE(failed, OfferFailed, k)
#define TAKE_DECLINED(k)  TAKE(declined, OfferDeclined, k)
#define TAKE_COMPLETED(k) TAKE(completed, InviteCompleted, k)
#define TAKE_SEEN(k)      TAKE(seen, RosterSeen, k)
#define TAKE_REFRESHED(k) TAKE(refreshed, CallRefreshed, k)

proctype Node(byte n) {
  byte there, crossed; bool is_newest;
end:
  do
  :: atomic { at_work[n] == Nothing && epoch < EPOCHS && mine[n] == 0 && !is_cut ->
       epoch++; mine[n] = epoch; copy(DB, n);
#ifndef NO_EPOCH
       /* What the former owner is at, it will try to commit. What it would begin now is dropped in the same way. */
       if
       :: at_work[1 - n] == Nothing -> let_go(1 - n)
       :: else
       fi
#endif
     }
  :: atomic {
       if
       EACH_OFFER(TAKE_TIMED_OUT) EACH_OFFER(TAKE_FAILED) EACH_OFFER(TAKE_DECLINED) EACH_OFFER(TAKE_COMPLETED)
       EACH_ROSTER(TAKE_SEEN) TAKE_REFRESHED(0) EACH_CHECK(TAKE_REFRESHED)
       :: MAY && ended -> at_work[n] = CallEnded
       :: MAY && check -> at_work[n] = CheckDue
       :: MAY && b[n].call == C_WRAP_UP -> at_work[n] = WrapUpSaved
#ifndef LEAN
       :: MAY && b[n].agent[0] == A_NOT_RESPONDING -> at_work[n] = WentReady; about[n] = 0
       :: MAY && b[n].agent[1] == A_NOT_RESPONDING -> at_work[n] = WentReady; about[n] = 1
#endif
       fi;
       fold() }
  :: atomic { at_work[n] != Nothing ->
       if
#ifndef NO_EPOCH
       :: mine[n] != epoch -> let_go(n)
#endif
       :: else -> commit(); is_sound()
       fi;
       forget(ordered[n]); at_work[n] = Nothing; about[n] = 0 }
  od
}

inline roster_changed() { roster++; content[roster] = stands; seen = seen | BIT(roster) }
inline read_call(k) { read_roster[k] = roster; read_end[k] = !stands_call; refreshed = refreshed | BIT(k) }
inline gone() { stands_call = false; stands = 0; ring = 0; ended = true }

#ifdef NO_FENCE
#define IS_NEWS(k) true
#else
#define IS_NEWS(k) (b[DB].live == k)
#endif
#define ACCEPT(k)  :: IDLE && ring & BIT(k) && !(stands & BIT(rung[k])) && roster < ROSTERS -> \
                      ring = ring & ~BIT(k); stands = stands | BIT(rung[k]); completed = completed | (IS_NEWS(k) -> BIT(k) : 0); \
                      roster_changed()
#define DECLINE(k) :: IDLE && ring & BIT(k) -> ring = ring & ~BIT(k); failed = failed | (IS_NEWS(k) -> BIT(k) : 0); refused = refused | BIT(k)
#define NOT_NOW(k) :: IDLE && ring & BIT(k) && b[DB].live == k && !(declined & BIT(k)) -> declined = declined | BIT(k); refused = refused | BIT(k)
#define INVITE(k)  :: IDLE && out.invite & BIT(k) -> out.invite = out.invite & ~BIT(k); \
                      if \
                      :: b[DB].live == k && stands_call -> ring = ring | BIT(k) \
                      :: b[DB].live == k && !stands_call -> ended = true \
                      :: else \
                      fi
/* Whoever stands there alone with the caller has answered, and stays. ANYBODY: a withdrawal that finds somebody else
   there leaves the ring alone too. */
#ifdef ANYBODY
#define HAS_ANSWERED(k) (stands != 0 && b[DB].holder == NOBODY)
#else
#define HAS_ANSWERED(k) ((stands & BIT(rung[k])) && b[DB].holder == NOBODY)
#endif
#define WITHDRAW(k) :: IDLE && out.withdraw & BIT(k) -> out.withdraw = out.withdraw & ~BIT(k); read_call(0); \
                      if \
                      :: !HAS_ANSWERED(k) -> ring = ring & ~BIT(k) \
                      :: else \
                      fi
#define REFRESH(k) :: IDLE && out.refresh & BIT(k) -> out.refresh = out.refresh & ~BIT(k); read_call(k)

#define IDLE (!is_cut && at_work[0] == Nothing && at_work[1] == Nothing)
/* Nothing that Teams does touches what a node is folding: so it may as well come before it or after it. */
proctype Teams() {
end:
  do
  :: atomic {
       if
       EACH_OFFER(ACCEPT) EACH_OFFER(DECLINE) EACH_OFFER(NOT_NOW) EACH_OFFER(INVITE) EACH_OFFER(WITHDRAW)
       EACH_CHECK(REFRESH)
       :: IDLE && out.hang_up -> out.hang_up = false; gone()
       :: IDLE && stands & BIT(0) && roster < ROSTERS -> stands = stands & ~BIT(0); roster_changed()
       :: IDLE && stands & BIT(1) && roster < ROSTERS -> stands = stands & ~BIT(1); roster_changed()
       :: IDLE && stands_call -> gone()
       fi }
  od
}

#define QUIET (!(timed_out || failed || declined || completed || seen || refreshed || ended || check || out.invite || \
               out.withdraw || out.refresh || out.hang_up) && IDLE)
/* When nothing is under way, the books say what is so. */
#define TRUE_TO_LIFE (ring == 0 && b[DB].call != C_OFFERED && \
                      (b[DB].call != C_CONNECTED || (stands_call && stands & BIT(b[DB].holder))) && \
                      (b[DB].call != C_QUEUED || (stands_call && stands == 0)) && \
                      ((b[DB].call != C_WRAP_UP && b[DB].call != C_CLOSED) || !stands_call))

proctype Watch() {
end:
  atomic { QUIET && !is_cut && !(TRUE_TO_LIFE) -> assert(false) }
}

init {
  byte n = 0;
  atomic {
    at_work[0] = Nothing; at_work[1] = Nothing;
    b[DB].call = C_QUEUED; b[DB].agent[0] = A_READY; b[DB].agent[1] = A_READY;
    b[DB].who = NOBODY; b[DB].holder = NOBODY;
    copy(DB, 0); mine[0] = 1; epoch = 1;      /* the nodes are alike: this one is the first owner */
    seek(); commit(); forget(ordered[n]);
    run Node(0); run Node(1); run Teams(); run Watch()
  }
}
