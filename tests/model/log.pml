/* How a repository's log is written, and how what nobody needs is removed: docs/format.md, sections 9 and 15;
 * core/store/commit.cc and apply.cc; core/backup/settle.cc. Checked by tests/model/run, whole and once for each
 * rule that a -DBREAK_… takes away; README.md beside it lists the rules and what is found without them.
 *
 * Who takes part
 *   Two writers, each with one run. Its snapshot needs the tree T, the data A below it, and content U of its
 *   own. It finds T and A in packs that count, or takes them as known below the snapshot OLD; stores what is
 *   missing in a pack of its own; commits that under an unfinished root (writer 0, if it likes) and then its
 *   snapshot. Where nothing of it is new to the repository, U is in P_KEEP already. What was removed meanwhile it
 *   looks up again or stores in a second pack. It reads the newest state before each commit, or, where it has no
 *   pack that is not live yet, goes by the last one that it has read, however long ago. Writer 0 puts its first
 *   segment as an object and forgets dead names as soon as it may. Writer 1 has its segments in records, keeps
 *   dead names for ever, and may not hear that its record was created.
 *   A remover (any number of them, for each of its steps is a whole record) forgets, condemns, removes roots,
 *   merges segments and rewrites a pack. Two sweepers delete and drop what was condemned, and may stall
 *   anywhere. With -DREADERS, instead of writer 1 and a sweeper: two readers that restore, of which one forgets
 *   dead names and one keeps them.
 *
 * What is checked
 *   After each step: whatever a listed snapshot refers to has a copy that exists; and one that the index leads
 *   to, in a pack that a live segment names, neither condemned nor dead. Live segments exist. No run's snapshot
 *   is listed twice. A writer has to look again only because of a newer record or of a pack of its own that is
 *   gone (so it is never stuck), and gives up only when the model has no third name for its packs. A reader
 *   that misses a pack has an old state. Every process ends.
 *
 * What is one step here though it is not, and why that hides nothing
 *   A remover's decision and the record that says so: the record is created only while the state that was
 *   decided on is the newest. (BREAK_MARK and BREAK_DELETE_FIRST take them apart.)
 *   A writer's reading of the newest record and its look whether own packs exist: one that vanishes in between
 *   was condemned before, and is missed in either case.
 *   Writing a pack: what is written in part has no name yet.
 *
 * What is not modelled
 *   A put that is repeated when its answer was lost, and makes a pack anew that was removed in between: writers look
 *   for own names in every record since they were first put (core/store/awaited_names.h). Damage, rollbacks, forks and rebuilt logs (tests/unit/maintenance); signatures and roles (tests/unit/store);
 *   the clock: an orphan or a root may be of any age at any time; deletion of segments that were live once. */

/* ---- Objects: each has one name, never used again. Sets of them are masks. ---- */
#define P_OLD 1                     /* holds A */
#define P_KEEP 2                    /* holds T and X */
#define P_FIRST(w) (4 << (2 * (w))) /* a writer's packs */
#define P_SECOND(w) (8 << (2 * (w)))
#define OWN_PACKS(w) (12 << (2 * (w)))
#define P_NEW 64                    /* what is rewritten */
#define S_OLD 128                   /* names P_OLD and P_KEEP */
#define S_OBJECT 256                /* writer 0's, a segment that is an object */
#define S_FIRST(w) (512 << (2 * (w))) /* of writers' packs, in records */
#define S_SECOND(w) (1024 << (2 * (w)))
#define S_MERGED 8192
#define S_NEW 16384                 /* names P_NEW, in a record */
#define IN_RECORDS (S_FIRST(0) | S_SECOND(0) | S_FIRST(1) | S_SECOND(1) | S_NEW)

/* Which packs a segment names. What stands in a record names one pack. */
byte merged_names;
#define NAMED                                                                                                  \
  (((segments & S_OLD) -> P_OLD | P_KEEP : 0) | ((segments & S_OBJECT) -> P_FIRST(0) : 0) |                  \
   ((segments & (S_FIRST(0) | S_SECOND(0) | S_FIRST(1) | S_SECOND(1))) >> 7) |                                 \
   ((segments & S_MERGED) -> merged_names : 0) | ((segments & S_NEW) -> P_NEW : 0))

/* ---- Blobs, and the packs that were written with them ---- */
#define T 0
#define A 1
#define X 2
#define U(w) (3 + (w))
byte holders[5];

/* ---- Snapshots ---- */
#define OLD 1         /* of T and A */
#define KEEP 2        /* of X */
#define MADE(w) (4 << (w))

/* ---- At the destination ---- */
short there;

/* ---- The state after the newest record ---- */
byte listed;          /* snapshots */
byte roots;           /* unfinished runs, by writer */
short segments;       /* live */
short condemned;
short dropped;        /* since ever. A reader may keep a dead name as long as it likes ... */
#ifdef BREAK_DEAD
#define DEAD 0
#else
#define DEAD (dropped & NAMED)  /* ... and must while a live segment names it */
#endif
#define COUNTS (NAMED & ~condemned & ~DEAD)

/* Who has read the newest record: a bit for each writer (0, 1), reader (2, 3), and the remover (4). */
byte up_to_date;
byte put_right;       /* writers that had to look again since the newest record */
byte acknowledged;    /* snapshots that a writer was told are committed and that nobody has forgotten */

/* ---- What is checked ---- */
#define HAS_COPY(blob) ((holders[blob] & there) != 0)
#define IS_FOUND(blob) ((holders[blob] & there & COUNTS) != 0)
#define HOLDS(set, predicate)                                                                                  \
  ((!((set) & ~KEEP) || (predicate(T) && predicate(A))) && (!((set) & KEEP) || predicate(X)) &&                \
   (!((set) & MADE(0)) || predicate(U(0))) && (!((set) & MADE(1)) || predicate(U(1))))

inline check() {
  assert(HOLDS(listed | acknowledged, HAS_COPY)); /* no copy is left */
  assert((segments & ~there) == 0);               /* a live segment is gone, and the index with it */
#ifndef BROKEN
  assert(HOLDS(listed, IS_FOUND));                /* the index leads to no copy */
#endif
}

/* A rule that is taken away is to show as a loss. What else can be seen of it does not count, but for these. */
#if !defined(BROKEN) || defined(BREAK_STUCK)
#define CHECK_STUCK(holds) assert(holds)
#else
#define CHECK_STUCK(holds) skip
#endif
#if !defined(BROKEN) || defined(BREAK_WON)
#define CHECK_ONCE(holds) assert(holds)
#else
#define CHECK_ONCE(holds) skip
#endif

inline record() {
#ifdef BREAK_RECORDS
  far_behind = far_behind | (3 & ~up_to_date);
#endif
  up_to_date = 0;
  put_right = 0;
#ifdef BREAK_NAMED
  in_tables = in_tables | NAMED;
#endif
  check()
}

/* ---- Writers ---- */

#ifdef BREAK_RECORDS
byte far_behind;      /* writers that lack two records or more */
byte next_removed;    /* writers for whom the record after the newest they have read was removed: its name is free */
#endif
#ifdef BREAK_NAMED
byte in_tables;       /* packs in local tables that were merged, of segments since removed too */
#endif

/* Reads the newest state and, within one call of commit(), every record up to it. What a plan is checked against
   is kept: a later commit may go by it. */
inline read_state() {
  up_to_date = up_to_date | (1 << w);
  seen = listed & (OLD | MADE(w));
#ifdef BREAK_RECORDS
  far_behind = far_behind & ~(1 << w);
  next_removed = next_removed & ~(1 << w);
#endif
#ifdef BREAK_NAMED
  counts = in_tables & ~condemned & ~DEAD;
#else
  counts = COUNTS;
#endif
  if
#ifndef BREAK_SKIP
  :: w == 1 || knows_own -> removed = condemned | dropped
  :: w == 0 && !knows_own -> removed = condemned | DEAD
#else
  :: true -> removed = condemned | DEAD
#endif
  fi
}

/* Finds a blob where it counts, or in an own pack that is not live yet, or notes that it is to be stored. */
inline look_up(blob) {
  choice = holders[blob] & counts;
  if
  :: choice & 1 -> rests_on = rests_on | 1
  :: choice & 2 -> rests_on = rests_on | 2
  :: choice & 4 -> rests_on = rests_on | 4
  :: choice & 8 -> rests_on = rests_on | 8
  :: choice & 16 -> rests_on = rests_on | 16
  :: choice & 32 -> rests_on = rests_on | 32
  :: choice & 64 -> rests_on = rests_on | 64
#ifdef BREAK_RESCUE
  :: choice == 0 && (holders[blob] & condemned & there) -> rests_on = rests_on | (holders[blob] & condemned & there)
#endif
  :: choice == 0 ->
     if
     :: holders[blob] & mine
     :: else -> store = store | (1 << blob)
     fi
  fi;
  choice = 0
}

inline put_pack(pack) {
  there = there | (pack);
  if :: store & (1 << T) -> holders[T] = holders[T] | (pack) :: else fi;
  if :: store & (1 << A) -> holders[A] = holders[A] | (pack) :: else fi;
  if :: store & (1 << U(w)) -> holders[U(w)] = holders[U(w)] | (pack) :: else fi;
  store = 0;
  mine = mine | (pack)
}

proctype Writer(bit w) {
  byte store;           /* blobs */
  byte mine;            /* own packs, not live yet */
  byte rests_on;        /* packs that are live, as far as known */
  byte counts, choice, gave_up;
  byte seen;             /* of the snapshots, OLD and its own, as the newest state was that it has read ... */
  byte seen_counts;      /* ... and the packs that counted there */
  short removed, segment, lost;
  bit based, final, knows_own, second, put_again, answer_lost;
  bit remembers;         /* a commit may go by these two */

  /* What is stored is decided on the state of now. */
  atomic {
    read_state();
    if
    :: store = 1 << U(w)
    :: holders[U(w)] = P_KEEP; look_up(U(w))  /* as a backup before it has stored it */
    fi;
    if
    :: listed & OLD -> based = 1
    :: true ->
       look_up(T);
#ifdef BREAK_TREE
       if :: rests_on == 0 -> look_up(A) :: else fi
#else
       look_up(A)
#endif
    fi;
    if :: w == 0 :: final = 1 fi;
    seen_counts = counts; remembers = 1;
    counts = 0; removed = 0
  };
  if
  :: atomic { store != 0 ->
#ifdef BREAK_ORDER
     mine = P_FIRST(w)
#else
     put_pack(P_FIRST(w))
#endif
     }
  :: store == 0
  fi;
  /* A run that was cut off here, and goes on, reads the newest state. */
  if
  :: atomic { read_state(); seen_counts = counts; remembers = 1; counts = 0; removed = 0 }
  :: true
  fi;

  /* commit(): again from here with a new plan (knows_own = 0), or because another record came first. */
again:
  atomic {
    if
#ifdef BREAK_REMEMBERED
    :: remembers -> counts = seen_counts; knows_own = 1
#else
    :: remembers && mine == 0 -> counts = seen_counts
#endif
    :: true -> read_state()
    fi;
    remembers = 0; seen_counts = 0;
#ifndef BREAK_WON
    if :: final && (seen & MADE(w)) -> goto done :: else fi;
#endif
    lost = rests_on & ~counts;
#ifdef BREAK_VALIDATE
    lost = 0;
#endif
#ifdef BREAK_RESCUE
    lost = lost & ~(condemned & there);
#endif
#ifdef BREAK_ROOT
    lost = lost & ~OWN_PACKS(w);
#endif
#ifndef BREAK_OWN_CONDEMNED
    lost = lost | (mine & removed);
#endif
#if !defined(BREAK_OWN_SEEN) && !defined(BREAK_ORDER)
    if :: !knows_own -> lost = lost | (mine & ~counts & ~there) :: else fi;
#endif
#ifndef BREAK_BASE
    if :: based && !(seen & OLD) -> lost = lost | S_NEW :: else fi;
#endif
    knows_own = 1;
    if
    :: lost != 0 ->
       /* It is to rest on what is there now: another copy, or one made anew, read from a condemned pack while
          that is there, or from the source; which of the two makes no difference here. */
       /* Otherwise nothing has changed since the last time: it is stuck. */
       CHECK_STUCK(!(put_right & up_to_date & (1 << w)) || (lost & mine & ~gave_up));
       put_right = put_right | (up_to_date & (1 << w));
       gave_up = gave_up | (lost & mine);
#ifndef BREAK_STUCK
       mine = mine & ~lost;
#endif
       rests_on = 0; based = 0; knows_own = 0; segment = 0; seen = 0;
       look_up(T);
       look_up(A);
       look_up(U(w));
       counts = 0; removed = 0; lost = 0;
       if
       :: store == 0 -> goto again
       :: store != 0 && second -> goto done  /* the model has no third name */
       :: store != 0 && !second
       fi
    :: else -> goto put_segment
    fi
  };
  atomic {
    second = 1;
#ifdef BREAK_NAMES
    if
    :: put_pack(P_FIRST(w))
    :: put_pack(P_SECOND(w))
    fi;
#else
    put_pack(P_SECOND(w));
#endif
    goto again
  };

put_segment:
  atomic {
    lost = mine & ~counts;
#ifndef BREAK_SEGMENT
    if :: segment & removed -> segment = 0 :: else fi;
#endif
    if
    :: segment == 0 && w == 0 && lost == P_FIRST(0) && !put_again ->
       put_again = 1;
       segment = S_OBJECT; there = there | S_OBJECT
    :: segment == 0 && !(w == 0 && lost == P_FIRST(0) && !put_again) ->
       segment = lost << 7  /* one for each pack */
    :: segment != 0
    fi;
    counts = 0; removed = 0; lost = 0
  };

  /* The record, unless another came first. */
  atomic {
    if
#ifdef BREAK_RECORDS
    :: !(up_to_date & (1 << w)) && (next_removed & (1 << w)) ->
       /* Under the name of a record that was removed: nobody will read it. */
       acknowledged = acknowledged | (final -> MADE(w) : 0);
       check();
       goto done
#endif
#ifdef BREAK_EXCLUSIVE
    :: true ->
#else
    :: up_to_date & (1 << w) ->
#endif
       segments = segments | segment;
       there = there | (segment & IN_RECORDS);
       if
       :: final ->
          CHECK_ONCE(!(listed & MADE(w)));
          listed = listed | MADE(w);
          acknowledged = acknowledged | MADE(w);
          roots = roots & ~(1 << w)
       :: else ->
          roots = roots | (1 << w)
       fi;
       record();
       rests_on = rests_on | mine;
       mine = 0; segment = 0; knows_own = 0;
       if
       :: !final ->
          /* It knows the state after its own record. */
          final = 1;
          up_to_date = up_to_date | (1 << w);
          seen = listed & (OLD | MADE(w)); seen_counts = COUNTS; remembers = 1;
          goto again
       :: final && w == 1 && !answer_lost -> answer_lost = 1; goto again
       :: final -> goto done
       fi
#ifndef BREAK_EXCLUSIVE
    :: else -> goto again
#endif
    fi
  };
done:
  atomic {
#ifdef BREAK_ORDER
    put_pack(P_FIRST(w));
#endif
    store = 0; mine = 0; rests_on = 0; counts = 0; gave_up = 0; removed = 0; segment = 0; lost = 0; choice = 0;
    based = 0; final = 0; knows_own = 0; second = 0; put_again = 0; answer_lost = 0;
    seen = 0; seen_counts = 0; remembers = 0
  }
}

/* ---- Removal ---- */

/* How often something is forgotten, condemned, merged, rewritten, or a root removed. */
#ifndef BUDGET
#define BUDGET 5
#endif
byte budget = BUDGET;

#define IS_NEEDED(blob)                                                                                        \
  (((blob) == X && (listed & KEEP)) || ((blob) == T && (listed & ~KEEP)) || ((blob) == A && (listed & ~KEEP)) || \
   ((blob) == U(0) && (listed & MADE(0))) || ((blob) == U(1) && (listed & MADE(1))))
/* Nothing that is listed needs this pack's copy of the blob: a copy in `more` will do as well. */
#define CAN_SPARE(pack, blob, more)                                                                            \
  (!(holders[blob] & (pack)) || !IS_NEEDED(blob) || (holders[blob] & (COUNTS | (more)) & ~(pack)))
#define IS_UNDER_ROOT(pack) (((roots & 1) && ((pack) & OWN_PACKS(0))) || ((roots & 2) && ((pack) & OWN_PACKS(1))))
#define CAN_GO(pack, more)                                                                                     \
  ((COUNTS & (pack)) && !IS_UNDER_ROOT(pack) && CAN_SPARE(pack, T, more) && CAN_SPARE(pack, A, more) &&        \
   CAN_SPARE(pack, X, more) && CAN_SPARE(pack, U(0), more) && CAN_SPARE(pack, U(1), more))
/* Objects that no record speaks of. */
#define ORPHANS (there & ~segments & ~NAMED & ~condemned & ~dropped)
#define CAN_CONDEMN(pack) (CAN_GO(pack, 0) || (ORPHANS & (pack)))
#define WAS_NEVER(name) (!((there | condemned | dropped) & (name)))

inline forget(snapshot) {
  budget--;
  listed = listed & ~(snapshot);
  acknowledged = acknowledged & ~(snapshot);
  record()
}

inline condemn(names) {
  condemned = condemned | (names);
  record()
}

#ifdef BREAK_DROP_FIRST
#define MAY_DELETE(name) (dropped & there & (name))
#define MAY_DROP(name) (condemned & (name))
#else
#define MAY_DELETE(name) (condemned & there & (name))
#define MAY_DROP(name) (condemned & ~there & (name))
#endif

inline delete(name) {
  there = there & ~(name);
  check()
}

inline drop(name) {
  condemned = condemned & ~(name);
  dropped = dropped | (name);
  record()
}

/* All removers at once: what one of them knows between two steps is in the log or at the destination. */
proctype Removers() {
#if defined(BREAK_MARK) || defined(BREAK_DELETE_FIRST)
  short decided;
#define CONDEMN(name) atomic { budget > 0 && CAN_CONDEMN(name) -> budget--; decided = name; goto late }
#else
#define CONDEMN(name) atomic { budget > 0 && CAN_CONDEMN(name) -> budget--; condemn(name) }
#endif
#define DELETE(name) atomic { MAY_DELETE(name) -> delete(name) }
#define DROP(name) atomic { MAY_DROP(name) -> drop(name) }
#ifdef BREAK_NAMES
  short slow;  /* is about to be deleted */
#endif
end:
  do
  :: atomic { budget > 0 && (listed & OLD) -> forget(OLD) }
  :: atomic { budget > 0 && (listed & MADE(0)) -> forget(MADE(0)) }
  :: atomic { budget > 0 && (listed & MADE(1)) -> forget(MADE(1)) }
  :: atomic { budget > 0 && (roots & 1) -> budget--; roots = 0; record() }
  :: CONDEMN(1)
  :: CONDEMN(4)
  :: CONDEMN(8)
  :: CONDEMN(16)
  :: CONDEMN(32)
  :: CONDEMN(64)
  :: CONDEMN(S_OBJECT)
  :: DELETE(1)
  :: DELETE(2)
  :: DELETE(4)
  :: DELETE(8)
  :: DELETE(16)
  :: DELETE(32)
  :: DELETE(64)
  :: DELETE(S_OBJECT)
  :: DROP(1)
  :: DROP(2)
  :: DROP(4)
  :: DROP(8)
  :: DROP(16)
  :: DROP(32)
  :: DROP(64)
  :: DROP(S_OBJECT)
  :: atomic {  /* merge all segments into one */
       budget > 0 && WAS_NEVER(S_MERGED) ->
       budget--;
       merged_names = NAMED & ~dropped;
       there = (there | S_MERGED) & ~segments;
       segments = S_MERGED;
       record()
     }
  :: atomic {  /* rewrite what is needed of P_KEEP */
       budget > 0 && (COUNTS & P_KEEP) && !IS_NEEDED(T) && WAS_NEVER(P_NEW) ->
       budget--;
       there = there | P_NEW;
       holders[X] = holders[X] | P_NEW
     }
  :: atomic {  /* and commit it */
       (there & P_NEW) && !((NAMED | condemned | dropped) & P_NEW) && CAN_GO(P_KEEP, P_NEW) ->
       segments = segments | S_NEW;
       there = there | S_NEW;
       condemn(P_KEEP)
     }
#ifdef BREAK_RECORDS
  :: atomic { budget > 0 && far_behind != 0 -> budget--; next_removed = far_behind }
#endif
#ifdef BREAK_NAMES
  :: atomic { slow == 0 && (condemned & P_FIRST(0)) -> slow = P_FIRST(0) }
  :: atomic { slow != 0 -> delete(slow); slow = 0 }
#endif
  od;
#if defined(BREAK_MARK)
late:
  atomic { condemn(decided); decided = 0; goto end }
#elif defined(BREAK_DELETE_FIRST)
late:
  atomic { up_to_date = up_to_date | 16; delete(decided) };
  atomic {
    if :: up_to_date & 16 -> condemn(decided) :: else fi;
    decided = 0;
    goto end
  }
#endif
}

/* ---- Readers ---- */

/* Restores from a snapshot that is listed. What is not where its state says is in another place by a newer state,
   or the snapshot was forgotten. */
proctype Reader(bit keeps_dead) {
  byte choice;
  bit blob;
again:
  atomic {
    up_to_date = up_to_date | (4 << keeps_dead);
    if
    :: listed & OLD
    :: listed & MADE(0)
    :: true -> goto done
    fi;
    if :: blob = T :: blob = A fi;
    choice = holders[blob] & NAMED & ~condemned & ~(keeps_dead -> dropped : DEAD);
    if
    :: choice & 1 -> choice = 1
    :: choice & 2 -> choice = 2
    :: choice & 4 -> choice = 4
    :: choice & 8 -> choice = 8
    :: choice & 64 -> choice = 64
    :: else -> assert(false)
    fi
  };
  atomic {
    if
    :: there & choice
    :: else -> assert(!(up_to_date & (4 << keeps_dead))); goto again
    fi
  };
done:
  skip
}

init {
  atomic {
    there = P_OLD | P_KEEP | S_OLD;
    holders[A] = P_OLD;
    holders[T] = P_KEEP;
    holders[X] = P_KEEP;
    segments = S_OLD;
    listed = OLD | KEEP;
#ifdef BREAK_NAMED
    in_tables = P_OLD | P_KEEP;
#endif
    run Writer(0);
    run Removers();
#if defined(READERS)
    run Reader(0);
    run Reader(1)
#elif !defined(ALONE)
    run Writer(1)
#endif
  }
}
