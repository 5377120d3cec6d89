/* The protocol of consentgate, for the model checker spin: two gates ask for the same speaker, who withdraws; a worker
 * carries out stop orders, reconcile closes what is left open, a sequencer gives what is committed its place in the log.
 * One process may die at any step. `README.md` says which line of code is which step, and what each mistake that can be
 * seeded with -D is.
 *
 * Invariant 1  no request without its durable intent, and no intent after the withdrawal was committed
 * Invariant 3  each intent ends in exactly one final outcome; each committed entry in exactly one place of the log
 * And          what was withdrawn does not go on running unless an order to stop it stands open
 */

mtype = { open, succeeded, rejected, undetermined };

#define GATES 2
#define ENTRIES 8 /* bits of a byte: more entries than any run makes */
#define BIT(n) (1 << (n))

/* The ledger: what is committed. */
bool withdrawn;
byte version; /* how many statements there are: they are only ever added */
bool intent[GATES];
mtype final[GATES] = open; /* each intent's final outcome */
byte finals[GATES];        /* how many it has */
bool ordered[GATES]; /* a stop order stands */
bool told[GATES];    /* that it was carried out is recorded */
byte drawn;          /* ordinals are drawn before the commit ... */
byte committed;      /* ... and rows are seen after it, one bit for each */
byte sequenced;

/* Locks on the speaker: any number share it, or one has it alone. */
byte sharing;
bool alone;

/* The vendor. */
bool sent[GATES];
bool running[GATES];

/* Who has ended, one way or the other. */
bool over[GATES];
bool withdrawal_over;
bool reconciled;
byte deaths = 1;

#define DUE(g) (ordered[g] && final[g] == succeeded && !told[g])
#ifdef NO_UNIQUE /* reconcile looks while the gate is at work, and nothing keeps a second outcome out */
#define OPEN(g) (intent[g] && final[g] == open)
#else
#define OPEN(g) (over[g] && intent[g] && final[g] == open)
#endif
#ifdef FORGETS_UNDETERMINED
#define MAYBE(g) 0
#else
#define MAYBE(g) (final[g] == undetermined) /* it may run, and nobody knows its name yet */
#endif
#define QUIET (over[0] && over[1] && withdrawal_over)

inline may_die() {
  if
  :: atomic { deaths > 0 -> deaths--; goto dead }
  :: skip
  fi
}

#ifdef NO_LOCK
inline lock_shared() { skip }
inline lock_alone() { skip }
#else
inline lock_shared() { atomic { !alone -> sharing++; held = 1 } }
inline lock_alone() { atomic { !alone && sharing == 0 -> alone = 1; held = 1 } }
#endif

inline unlock_shared() {
  if
  :: held -> sharing--; held = 0
  :: else
  fi
}

inline unlock_alone() {
  if
  :: held -> alone = 0; held = 0
  :: else
  fi
}

inline draw() { d_step { mine = drawn; drawn++; assert(drawn <= ENTRIES) } }

/* A final outcome: a unique index lets one in; who comes second keeps an observation. */
inline insert_final(g, end) {
#ifdef NO_UNIQUE
  finals[g]++;
  final[g] = end
#else
  if
  :: finals[g] == 0 -> finals[g] = 1; final[g] = end
  :: else
  fi
#endif
}

proctype Gate(byte g) {
  byte seen, mine;
  byte tries = 2;
  bool held, stop;

again: /* 2 read, 3 decide */
  seen = version;
  may_die();
  if
  :: seen != 0 -> goto end /* withdrawn: a denial, and nothing is sent */
  :: else
  fi;
#ifdef SEND_FIRST
  sent[g] = 1; running[g] = 1;
#endif
  /* 4 append the intent: locks first, then compare, then insert */
#ifdef COMPARE_FIRST
  if
  :: version != seen -> goto changed
  :: else
  fi;
  lock_shared();
#else
  lock_shared();
  if
  :: version != seen -> unlock_shared(); goto changed
  :: else
  fi;
#endif
  draw();
  may_die();
  d_step {
    intent[g] = 1;
    committed = committed | BIT(mine);
    assert(!withdrawn); /* invariant 1: none after the withdrawal */
    unlock_shared()
  };
  may_die(); /* a commit in doubt is looked up: here it is there, before the commit it is not */
  /* 5 request: no lock is held; or send_by has passed and nothing is sent */
  if
  :: sent[g] = 1; assert(intent[g]); /* invariant 1 */
     may_die();
     if
     :: running[g] = 1 /* the vendor took it */
     :: skip           /* the vendor refused */
     fi;
     may_die()
  :: skip
  fi;
  /* 6 append the outcome; the same transaction returns the stop orders */
  lock_shared();
  draw();
  may_die();
  d_step {
    insert_final(g, (running[g] -> succeeded : rejected));
    committed = committed | BIT(mine);
    stop = ordered[g];
    unlock_shared()
  };
  may_die();
  if
  :: stop && running[g] -> running[g] = 0; told[g] = 1
  :: else
  fi;
  goto end;

changed: /* re-read and re-decide, a few times; then LEDGER_BUSY denies */
  if
  :: tries > 0 -> tries--; goto again
  :: else -> goto end
  fi;

dead: /* the database ends the transaction of a connection that is gone */
  unlock_shared();
end:
  assert(!sent[g] || intent[g]); /* invariant 1 */
  over[g] = 1
}

proctype Withdrawal() {
  byte g, mine;
  bool held;

  lock_alone();
  draw();
  may_die();
#ifdef STOPS_LATER
  d_step { withdrawn = 1; version++; committed = committed | BIT(mine); unlock_alone() };
  may_die();
#endif
  d_step { /* one transaction: the statement, and a stop order for each open intent and each running task */
    g = 0;
    do
    :: g < GATES ->
       if
       :: intent[g] && (final[g] == open || MAYBE(g) || (final[g] == succeeded && running[g])) -> ordered[g] = 1
       :: else
       fi;
       g++
    :: else -> break
    od;
#ifndef STOPS_LATER
    withdrawn = 1; version++; committed = committed | BIT(mine); unlock_alone();
#endif
    g = 0
  };
  goto end;
dead:
  unlock_alone();
end:
  withdrawal_over = 1
}

/* What goes on behind, in one process after another: stop orders against known tasks are carried out, and intents are
 * closed once the one who holds them can send no more. Nothing here ever sends a gated request. */
proctype Behind() {
  byte g, mine;
  bool held;
  mtype known;
again:
  do
  :: DUE(0) -> g = 0; goto order
  :: DUE(1) -> g = 1; goto order
  :: OPEN(0) -> g = 0; goto reconcile
  :: OPEN(1) -> g = 1; goto reconcile
  :: QUIET && !DUE(0) && !DUE(1) && !OPEN(0) && !OPEN(1) -> goto end
  od;
order:
  may_die();
  running[g] = 0; /* stopping what is stopped does no harm */
  may_die();
  told[g] = 1;
  goto again;
reconcile:
  if
  :: running[g] -> known = succeeded /* a notification, or the vendor's own trail, names the task */
  :: known = undetermined            /* with the reason */
  fi;
  lock_shared();
  draw();
  may_die();
  d_step { insert_final(g, known); committed = committed | BIT(mine); unlock_shared() };
  goto again;
dead:
  unlock_shared();
  goto again;
end:
  reconciled = 1
}

/* Gives committed entries their places, in one transaction. Ordinals are drawn before commits: one that is not seen yet
 * may still come. */
proctype Sequencer() {
  byte n, passed;
  do
  :: atomic { (committed & ~sequenced & ~passed) != 0 ->
       d_step {
         n = 0;
         do
         :: n < ENTRIES ->
            if
            :: (committed & BIT(n)) && !(sequenced & BIT(n)) && !(passed & BIT(n)) -> sequenced = sequenced | BIT(n);
#ifdef PASSES_OVER
               passed = BIT(n + 1) - 1 /* whatever is below the last one that was seen counts as done */
#endif
            :: else
            fi;
            n++
         :: else -> break
         od;
         n = 0
       }
     }
  :: reconciled && (committed & ~sequenced & ~passed) == 0 -> break
  od
}

init {
  byte g;
  atomic {
    run Gate(0); run Gate(1); run Withdrawal(); run Behind(); run Sequencer()
  };
  _nr_pr == 1;
  do
  :: g < GATES ->
     assert(!intent[g] || finals[g] == 1); /* invariant 3 */
     assert(intent[g] || finals[g] == 0);
     assert(!(withdrawn && final[g] == succeeded && running[g])); /* what is known to run was stopped */
     assert(!(withdrawn && running[g]) || ordered[g]);   /* what nobody knows of has an order that stands open */
     g++
  :: else -> break
  od;
  assert(committed == sequenced) /* invariant 3: nothing committed is without a place */
}
