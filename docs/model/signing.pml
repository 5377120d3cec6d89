/* The log's signer, for the model checker spin: entries come, two processes sign where one should, somebody with the
 * database's password shows another history, and one process may die at any step. `README.md` says which line of code is
 * which step, and what each mistake that can be seeded with -D is.
 *
 * Invariant  all notes that were ever let out are of one history: whatever the database shows, and whoever dies
 * And        while the database shows the history that was signed, everything in it gets signed
 */

#define SIZES 4
#define TRUE_HISTORY 1
#define EDITED 2 /* bits: no note of one grows out of a note of the other */

#ifdef UNCHECKED
#define GROWS 1
#else
#define GROWS (kept_size == 0 || history == kept_history)
#endif

byte size;
byte history = TRUE_HISTORY;

/* What the signer remembers, outside the database. */
byte kept_size;
byte kept_history = TRUE_HISTORY;
byte released[SIZES]; /* under which histories a note of this size was let out */

bool complete;
bool editor_over;
byte deaths = 1;

inline may_die() {
  if
  :: atomic { deaths > 0 -> deaths--; goto dead }
  :: skip
  fi
}

proctype Writers() {
  do
  :: size < SIZES - 1 -> size++
  :: size == SIZES - 1 -> break
  od;
  complete = 1
}

/* Read the memory, check that the tree grows out of it, keep the new note, and only then let it out. */
proctype Signer() {
  byte old, s, h;
again:
  do
  :: atomic { size > kept_size && GROWS -> old = kept_size; s = size; h = history };
     goto sign
  /* a note that was kept and not let out, since its signer died: it is let out as it is */
  :: atomic { kept_size > 0 && !(released[kept_size] & kept_history) -> s = kept_size; h = kept_history };
     goto release
  :: complete && editor_over && (kept_size == 0 || (released[kept_size] & kept_history)) &&
     (size == kept_size || history != kept_history) -> goto end
  od;
sign:
  may_die();
#ifdef RELEASE_FIRST
  released[s] = released[s] | h;
  may_die();
#endif
#ifdef NO_COMPARE
  d_step { kept_size = s; kept_history = h };
#else
  /* compare and set: somebody else may have signed meanwhile */
  if
  :: atomic { kept_size == old -> kept_size = s; kept_history = h }
  :: else -> goto again
  fi;
#endif
  may_die();
release:
  released[s] = released[s] | h;
  goto again;
dead:
  goto again;
end:
  skip
}

#ifdef FORGETFUL
/* A state that is lost and made anew from what the database shows. */
proctype Loss() {
  d_step { kept_size = 0; kept_history = history }
}
#endif

/* Another history, once, and perhaps the true one again. */
proctype Editor() {
  if
  :: history = EDITED;
     if
     :: history = TRUE_HISTORY
     :: skip
     fi
  :: skip
  fi;
  editor_over = 1
}

init {
  byte n, seen;
  atomic {
    run Writers(); run Signer(); run Signer(); run Editor();
#ifdef FORGETFUL
    run Loss()
#endif
  };
  _nr_pr == 1;
  do
  :: n < SIZES -> seen = seen | released[n]; n++
  :: else -> break
  od;
  assert(seen != (TRUE_HISTORY | EDITED));
  assert(history != kept_history || released[size] == history)
}
