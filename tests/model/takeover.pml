/* A head that dies, or is replaced, at any step: a model for spin(1).
 *
 * tests/model/run says with which bounds it is searched, and which defects it
 * finds when they are put back (each is an #ifdef, by the name of what is
 * missing or wrong).
 *
 * The processes are those of docs/dev/architecture.md: bodies that become
 * programs, head, the program that an upgrade is tried with, the keeper, a
 * follower (deptyr attach), and somebody who types at a client socket.  All of
 * them register for one name, which is where they can get in each other's way.
 * Spin interleaves their steps in every order; so a process that is stopped
 * is one that takes no step for a while.  Fate() kills and replaces heads.
 *
 * What the kernel does in one call, and what only a process itself can see, is
 * one step (d_step).  Everything that others see, or that outlives head (what
 * is stored in the ring, sent or written), is a step of its own, and head may
 * die before and after it.
 *
 * A comment of the form
 *     lib/session/ring.cc: Store(state_->cleared, offset)
 * says which line of the code a step stands for; tests/model/run --check looks
 * whether each of these lines exists, once.
 *
 * Time doesn't pass here.  A timer may expire as soon as it is set, and then
 * `excused` says that no promise is broken if somebody misses bytes for it.
 *
 * With REPLAY the steps of head are those that a real one told (lib/base/step.h),
 * and no others: see "the replay".
 */

#ifndef BODIES
#define BODIES 1        /* register for the name */
#endif
#ifndef BYTES
#define BYTES 0         /* that each program writes */
#endif
#ifndef KILLS
#define KILLS 0         /* of head */
#endif
#ifndef UPGRADES
#define UPGRADES 0
#endif
#ifndef STOPS
#define STOPS 0         /* head is told to end, and another one is started */
#endif
#ifndef FOLLOWERS
#define FOLLOWERS 0     /* 0 or 1 */
#endif
#ifndef FOLLOWER_KILLS
#define FOLLOWER_KILLS 0
#endif
#ifndef VISITORS
#define VISITORS 0      /* other clients that come or leave */
#endif
#ifndef KEYS
#define KEYS 0          /* that a client types */
#endif
#ifndef KEEPER
#define KEEPER 1        /* 0: nobody, 1: answers (s6-fdholder), 2: doesn't (systemd) */
#endif
#ifndef LOST
#define LOST 0          /* of what is sent to the keeper, or of its answers */
#endif
#ifndef GIVE_UPS
#define GIVE_UPS 0      /* bodies that don't wait for head's answer, or die */
#endif
#ifndef FORGETS
#define FORGETS 0       /* times that head forgets a session */
#endif
#ifndef EARLY
#define EARLY 0         /* heads that are started while another one still runs */
#endif
#ifndef REPLACER
#define REPLACER 9      /* the body that takes another one's place */
#endif

#ifndef CAPACITY
#define CAPACITY 2      /* of the ring */
#endif
#ifndef AHEAD
#define AHEAD 1         /* so many bytes of it are cleared before a read */
#endif
#define IN_PTY 2        /* so many bytes a PTY has room for */

#ifndef TRIES
#define TRIES (KILLS + STOPS + 1)       /* a body comes again if head went away */
#endif
#define PTYS (BODIES * TRIES)           /* each time with another PTY */
#ifndef NUMBERS
#define NUMBERS (PTYS + 1)              /* of programs, from 1 on */
#endif
#define STREAM (BODIES * BYTES + 2)
#define STREAMS (PTYS + 2)

#ifdef REPLAY
#define OFFSET int      /* a real stream is long */
#define SET int         /* of programs */
#define COUNT byte      /* of clients that come back */
#else
#define OFFSET byte
#define SET byte
#define COUNT bool
#endif

/* Who has a copy of a descriptor. */
#define BODY 1
#define SENT 2          /* on its way to head */
#define HEAD 4
#define STORING 8       /* on its way to the keeper */
#define STORED 16
#define TRIAL 32
#define NEXT 64         /* a head that was started too early */

/* --- what the kernel has */

byte copies[PTYS];      /* who has the controlling end */
bool terminal[PTYS];    /* the client end is open */
byte written[PTYS];     /* by the program */
byte taken[PTYS];       /* of that, by whoever reads the controlling end */
bool alive[BODIES];     /* as its pidfd says */
bool listening;         /* head's socket can be connected to */

mtype = { NONE, ASKED, ACCEPTED, REFUSED, CLOSED, LEFT };
mtype connection[BODIES];       /* between body and head */
byte pty_of[BODIES];            /* the one that it sent, or has */

/* --- the ring, which outlives head while somebody has it */

byte ring;              /* who has it */
byte stream;            /* which it is: its random number */
OFFSET end, displaced, cleared;
#ifdef REPLAY
OFFSET dirty;           /* so far there are bytes that were read */
#else
byte bytes[CAPACITY];
#endif
byte programs;          /* there have been */
OFFSET begin_of[NUMBERS], end_of[NUMBERS];
bool ended[NUMBERS];    /* its outcome is recorded */
byte counted;           /* clients that will come back */

/* --- head: what goes with it when it dies */

bool running, exited, drained, closed;
byte pty;               /* that it reads, from 1 on; 0: none */
byte who;               /* the program */
bool session;           /* there is one */
SET known;              /* which programs the keeper has, a bit for each */
SET unwanted;           /* which it may have, though nobody needs them; bit 0: the ring */
bool ring_known, whole;
byte awaited;
bool stopping, trying, served;

COUNT client;           /* the follower is attached */
OFFSET cursor, told;      /* up to where it was sent bytes, and events */
byte queue;             /* a key that the terminal hasn't taken */
#ifdef OFFER_OF_THE_TRIAL
byte offered_cursor, offered_told;
#endif

/* --- the keeper */

mtype = { RING, PTY, PID, FORGET, FORGET_ALL };
chan to_keeper = [4] of { mtype, byte, byte };
byte stored_ring;       /* its stream, 0: none */
byte stored_pty[NUMBERS], stored_pid[NUMBERS];  /* from 1 on */

/* A head that was started while another one runs has this of the keeper. */
bool early;
byte early_pty[NUMBERS], early_pid[NUMBERS];

/* --- the follower, and who types */

mtype = { ATTACHED, OUTPUT, EVENT, MISSED };
chan to_follower = [2] of { mtype, byte, byte, byte };
mtype follower_connection = NONE;
byte follower_stream, follower_offset;
chan to_head = [1] of { byte };         /* keys */
mtype typist_connection = NONE;
byte to_program;                        /* a key in the PTY */

/* --- what must hold */

byte truth[STREAM];     /* what was read, in this order */
byte all_read;
byte base_of[STREAMS];  /* where each stream begins there */
bool accepted[BODIES], replaced[BODIES], kept[BODIES], hung_up[BODIES];
bool excused;           /* a client was away for too long, or was killed */
bool crashed;           /* keys may be lost */
byte reader[PTYS];      /* how many processes read it */
byte i_;                /* an index within a step */
byte kills, upgrades, stops, lost, give_ups, forgets, earlies, visitors, typed;
bool dying, follower_gone;

/* ------------------------------------------------------------- the replay */

/* A real head told these steps, those of one session, and tests/model/replay put
 * them into a file: the step's number here and its two values, a line for each.
 * Head may only take the next one; what is told by nobody (what bodies, the
 * keeper and the trial do) happens when the next step needs it.  If that leads
 * to the last step, in some order, the model allows what the real head did.
 *
 * A head that is killed may have taken one more step than it told: `untold`.
 * The values of KILLED are the end and the place up to which all was cleared,
 * as the next head found them.
 */
#ifdef REPLAY
/* Of lib/session. */
#define S_RECOVERED 1
#define S_DISPLACED 2
#define S_CLEARED 3
#define S_READ 4
#define S_COMMITTED 5
#define S_NOTHING 6             /* to read: it is hung up, all is drained */
#define S_BEGAN 7
#define S_EXITED 8
#define S_MAKES_WAY 9
#define S_ENDED 10
#define S_ATTACHED 11           /* it comes back, and so many do now */
#define S_LEFT 12
#define S_AWAITS 13
#define S_COUNTED 14
/* Of lib/keep and lib/head. */
#define S_KEPT 15
#define S_NOT_KEPT 16
#define S_REMOVED 17            /* a program; 0: the session */
#define S_NOT_REMOVED 18
#define S_FETCHED 19            /* a ring, and things of so many programs */
#define S_REGISTERS 20          /* who, of BODIES */
#define S_REFUSED 21
#define S_ACCEPTED 22
#define S_WENT_AWAY 23
#define S_TRIES 24
#define S_GOES_ON 25
#define S_STOPS 26
#define S_SERVES 27
/* Told by nobody. */
#define S_KILLED 28
#define S_DONE 29

int next, first, second, at;
bool untold;

c_decl {
    enum { kMostSteps = 1000000 };
    static int steps[kMostSteps][3];
    static int farthest = -1;
};

c_code {
    static void next_step(void) {
        now.next = steps[now.at][0];
        now.first = steps[now.at][1];
        now.second = steps[now.at][2];
        if (now.at <= farthest) return;
        farthest = now.at;
        printf("at %d: running %d exited %d drained %d closed %d pty %d programs %d end %d cleared %d displaced %d "
               "dirty %d awaited %d clients %d counted %d known %d unwanted %d kept ring %d trying %d stopping %d\n",
               now.at, now.running, now.exited, now.drained, now.closed, now.pty, now.programs, now.end, now.cleared,
               now.displaced, now.dirty, now.awaited, now.client, now.counted, now.known, now.unwanted,
               now.ring_known, now.trying, now.stopping);
    }
    static void read_steps(void) {
        FILE* const file = fopen("steps", "r");
        int count = 0;
        while (file != NULL && count < kMostSteps - 1 &&
               fscanf(file, "%d %d %d", &steps[count][0], &steps[count][1], &steps[count][2]) == 3) ++count;
        steps[count][0] = S_DONE;
        next_step();
    }
};

inline advance() {
    at++;
    c_code { next_step(); }
}

/* The next step is taken: or the one that a killed head didn't tell. */
inline take() {
    if
    :: next == S_KILLED -> untold = true
    :: else -> advance()
    fi
}

/* What a head that is killed takes along was not done, so only a step that lasts
 * may have been taken untold. */
#define IS(step_, first_, second_) (next == (step_) && first == (first_) && second == (second_))
#define MAY_BE(step_, first_, second_) (IS(step_, first_, second_) || (next == S_KILLED && !untold))
#define IF_NEXT(step_, first_, second_) IS(step_, first_, second_) &&
#define IF_LASTS(step_, first_, second_) MAY_BE(step_, first_, second_) &&
#define TAKE take();
#define STEP(step_, first_, second_) IS(step_, first_, second_) -> take();
#define LASTING_STEP(step_, first_, second_) MAY_BE(step_, first_, second_) -> take();
#define WHOLE_STEP(step_, first_, second_) ; d_step { IS(step_, first_, second_) -> take() }

#define IS_READ (next == S_DISPLACED || next == S_CLEARED || next == S_READ || next == S_NOTHING)
#define MAY_BE_READ (IS_READ || (next == S_KILLED && !untold && (second > cleared || first > end)))

/* What bodies do, when the next step shows it. */
#define ASKS(me) next == S_REGISTERS && first == (me) &&
#define GIVES_UP(me) (next == S_WENT_AWAY && connection[me] == ASKED)
#define ENDS(me) (who == (me) && (next == S_EXITED || (next == S_REGISTERS && first != (me)) || \
                                  ((next == S_MAKES_WAY || next == S_NOTHING) && first == 1)))

#else
/* Nobody tells, and nobody says what is next. */
#define IF_NEXT(step_, first_, second_)
#define IF_LASTS(step_, first_, second_)
#define TAKE
#define STEP(step_, first_, second_)
#define LASTING_STEP(step_, first_, second_)
#define WHOLE_STEP(step_, first_, second_)
#define ASKS(me)
#define GIVES_UP(me) (give_ups < GIVE_UPS)
#define ENDS(me) (KEYS == 0 || typed == KEYS || crashed)
#endif

#define VALUE(b, i) ((b) * BYTES + (i) + 1)

/* Events of a session in their order: 2n - 1 is the start of its program n, 2n
 * is its end. */
#define HAPPENED (2 * programs - ((programs > 0 && !ended[programs]) -> 1 : 0))
#define OFFSET_OF(e) ((e) % 2 == 1 -> begin_of[((e) + 1) / 2] : end_of[(e) / 2])

/* A controlling end that nobody has any more hangs up the program: an accepted
 * one that is kept never is. */
inline check_hang_up(p_) {
    if
    :: copies[p_] == 0 && terminal[p_] && alive[(p_) / TRIES] && pty_of[(p_) / TRIES] == p_ &&
       accepted[(p_) / TRIES] ->
        assert(!kept[(p_) / TRIES] || replaced[(p_) / TRIES]);
        hung_up[(p_) / TRIES] = true
    :: else
    fi
}

inline let_go(p_, who) {
    copies[p_] = copies[p_] & (255 - who);
    check_hang_up(p_)
}

/* Head is, or was, the only one who reads this terminal. */
inline read_from_now_on(p_) {
    pty = (p_) + 1;
    reader[p_]++;
    assert(reader[p_] == 1)
}

inline drop_terminal() {
    if
    :: pty > 0 ->
        reader[pty - 1]--;
        let_go(pty - 1, HEAD);
        pty = 0
    :: else
    fi;
    closed = false
}

/* ------------------------------------------------------------- the bodies */

proctype Body(byte me) {
    byte tries, mine, key, other;

    do
    :: d_step {
        ASKS(me) listening && tries < TRIES && !stopping ->
        /* lib/body/body.cc: auto pty = OpenPty(options.size, options.flow) */
        mine = me * TRIES + tries;
        tries++;
        /* lib/body/body.cc: SendWithFd(result.head.get(), */
        copies[mine] = BODY | SENT;
        terminal[mine] = true;
        pty_of[me] = mine;
        connection[me] = ASKED
       };
       if
       /* lib/body/body.cc: if (const auto* accepted = std::get_if<Accepted>(&**message)) */
       :: atomic { connection[me] == ACCEPTED -> break }
       /* lib/body/body.cc: return absl::AlreadyExistsError(text) */
       :: atomic { connection[me] == REFUSED ->
#if BODIES == 1
            assert(false);      /* nobody else had the name */
#endif
            goto leave
          }
       /* lib/body/body.cc: return absl::UnavailableError("head went away without an answer") */
       :: d_step { connection[me] == CLOSED ->
            terminal[mine] = false;
            let_go(mine, BODY);
            connection[me] = NONE
          }
       /* lib/body/body.cc: return absl::DeadlineExceededError(NoAnswer(head, socket, in_all)) */
       :: atomic { GIVES_UP(me) ->
            give_ups++;
            goto leave
          }
       fi
    od;

    atomic {
        accepted[me] = true;
        /* lib/body/body.cc: registered->pty.controller.Reset() */
        let_go(mine, BODY);
        for (other : 0 .. BODIES - 1) {
            /* The name has one owner. */
            assert(other == me || replaced[me] || hung_up[me] ||
                   !accepted[other] || !alive[other] || replaced[other] || hung_up[other])
        }
        other = 0
    };

    /* lib/body/body.cc: const auto [text, status] = Execute(options.program); return tell_both */
    do
    :: d_step { written[mine] < BYTES && written[mine] - taken[mine] < IN_PTY && copies[mine] != 0 ->
        written[mine]++
       }
    :: d_step { KEYS > 0 && to_program > 0 ->
        key = to_program;
        to_program = 0;
        assert(key > typed);    /* no key is typed twice */
        assert(key == typed + 1 || crashed);
        typed = key
       }
    :: atomic { copies[mine] == 0 -> break }
    /* It ends, or is killed. */
    :: atomic { ENDS(me) -> break }
    od;

leave:
    skip;
    d_step {
        alive[me] = false;
        terminal[mine] = false;
        if
        :: connection[me] == ASKED -> connection[me] = LEFT     /* what it sent is there */
        :: else -> connection[me] = NONE
        fi;
        let_go(mine, BODY)
    }
}

/* ------------------------------------------------------------- the keeper */

inline store(kind, n_, v_) {
    if
    :: kind == RING ->
        ring = (ring & (255 - STORING)) | STORED;
        stored_ring = v_
    :: kind == PTY ->
        copies[v_] = (copies[v_] & (255 - STORING)) | STORED;
        /* lib/keep/s6_store.cc: const absl::Status deleted = holder.Delete(name) */
        gone = stored_pty[n_];
        assert(gone == 0 || KEEPER == 1);       /* systemd would have both */
        stored_pty[n_] = v_ + 1;
        if
        :: gone > 0 && gone != v_ + 1 -> let_go(gone - 1, STORED)
        :: else
        fi;
        gone = 0
    :: kind == PID ->
        stored_pid[n_] = v_ + 1
    :: kind == FORGET ->
        gone = stored_pty[n_];
        stored_pty[n_] = 0;
        stored_pid[n_] = 0;
        if
        :: gone > 0 -> let_go(gone - 1, STORED)
        :: else
        fi;
        gone = 0
    :: kind == FORGET_ALL ->
        ring = ring & (255 - STORED);
        stored_ring = 0
    fi
}

proctype Keeper() {
    mtype what;
    byte n, value, gone;
end_keeping:
    do
    :: d_step {
        to_keeper?what(n, value) ->
        store(what, n, value);
        what = 0;
        n = 0;
        value = 0
       }
    od
}

/* --------------------------------------------------------------- the ring */

/* lib/session/ring.cc: void Ring::Recover() { */
#ifdef REPLAY
inline recover() { end = dirty }
inline clear_bytes(from_, to_) { skip }
#else
inline recover() {
    i_ = cleared;
#ifndef NO_RECOVERY
    do
    :: i_ > end && bytes[(i_ - 1) % CAPACITY] == 0 -> i_--
    :: else -> break
    od;
    if
    :: i_ > end -> end = i_     /* lib/session/ring.cc: Store(state_->end, end() + last + 1) */
    :: else
    fi;
#endif
    i_ = 0
}

inline clear_bytes(from_, to_) {
#ifdef NO_CLEARING
    skip
#else
    i_ = from_;
    do
    :: i_ < to_ -> bytes[i_ % CAPACITY] = 0; i_++
    :: else -> break
    od;
    i_ = 0
#endif
}
#endif

/* lib/session/audience.cc: size_t Audience::RoomToRead() const { */
#ifdef REPLAY
#define ROOM CAPACITY
#else
#define ROOM (CAPACITY - ((client && cursor < end) -> end - cursor : 0))
#endif
/* lib/session/session.h: (!reading_stopped_ || program_.exited()) */
#define MAY_READ (pty > 0 && awaited == 0 && (!stopping || exited) && ROOM > 0)
#ifdef REPLAY
#define READABLE (pty > 0 && MAY_BE_READ)
#define NOTHING_IS_LEFT !IS_READ
#define IS_TO_CLEAR (next == S_DISPLACED || next == S_CLEARED || (next == S_KILLED && !untold && second > cleared))
#define CLEARED_TO (next == S_DISPLACED -> first + CAPACITY : (next == S_CLEARED -> first : second))
#else
#define READABLE (pty > 0 && written[pty - 1] > taken[pty - 1])
#define NOTHING_IS_LEFT else
#define IS_TO_CLEAR (cleared == end)
#define CLEARED_TO (end + room)
#endif

/* lib/session/session.cc: return write ? Interest::kReadWriteEdge : Interest::kReadEdge */
#ifdef HANG_UP_IS_TOLD_FOR_EVER
#define IS_HEARD(closed_) false
#else
#define IS_HEARD(closed_) (closed_)
#endif

/* One read of at most `room` bytes, in the order of lib/session/ring.h. */
inline read_turn() {
    if
    :: IS_TO_CLEAR ->
        target = CLEARED_TO;
        if
        :: target > CAPACITY ->
#ifdef DISPLACED_LATE
            skip
#else
            d_step { STEP(S_DISPLACED, target - CAPACITY, 0) displaced = target - CAPACITY }    /* lib/session/ring.cc: Store(state_->displaced, offset - capacity()) */
#endif
        :: else
        fi;
#ifdef CLEARED_EARLY
        cleared = target;
#endif
        /* lib/session/ring.cc: std::memset(memory_.data() + IndexOf(from), kClear */
        d_step { clear_bytes(cleared, target) };
        d_step { LASTING_STEP(S_CLEARED, target, 0) cleared = target }  /* lib/session/ring.cc: Store(state_->cleared, offset) */
#ifdef DISPLACED_LATE
        ;
        if
        :: target > CAPACITY -> displaced = target - CAPACITY
        :: else
        fi
#endif
    :: else
    fi;
    /* lib/session/drain.cc: const IoResult got = terminal.Read(ring_.Space(room)) */
#ifdef REPLAY
    if
    :: d_step { next == S_READ && first <= cleared - end -> got = first; dirty = end + got; take() };
       d_step { IS(S_COMMITTED, end + got, 0) -> take(); end = end + got; got = 0; target = 0 }
    /* It didn't tell what it read: the next head found it. */
    :: d_step { next == S_KILLED && !untold && first > end && first <= cleared -> dirty = first; take() }
    :: d_step { next == S_NOTHING && (first == 0 || !terminal[pty - 1]) && second >= exited ->
        closed = first;
        drained = second;
        target = 0;
        take()
       }
    fi
#else
    d_step {
        got = 0;
        do
        :: READABLE && end + got < cleared && got < room ->
            bytes[(end + got) % CAPACITY] = VALUE((pty - 1) / TRIES, taken[pty - 1]);
            truth[all_read] = bytes[(end + got) % CAPACITY];
            all_read++;
            taken[pty - 1]++;
            got++
        :: else -> break
        od
    };
    d_step {
        if
        :: got > 0 -> end = end + got   /* lib/session/drain.cc: ring_.Commit(got.bytes) */
        :: else ->
            closed = !terminal[pty - 1];        /* lib/session/drain.cc: closed_ = got.state != IoState::kWouldBlock */
            drained = exited                    /* lib/session/drain.cc: drained_ = program_ended */
        fi;
        got = 0;
        room = 0;
        target = 0
    }
#endif
}

/* --------------------------------------------------------------- the head */

/* Says what is to be forgotten.  That gets lost if the keeper is slow for more
 * than a second. */
inline forget_kept(kind, n_) {
    if
    :: atomic { IF_LASTS(S_REMOVED, n_, 0) nfull(to_keeper) -> TAKE
        unwanted = unwanted & ~(1 << n_);
        to_keeper!kind(n_, 0)
       }
    :: d_step { IF_NEXT(S_NOT_REMOVED, n_, 0) lost < LOST -> TAKE
        lost++
#ifndef REMOVED_ONCE
        ;
        unwanted = unwanted | (1 << n_)     /* lib/keep/stored_sessions.cc: for (const std::string& name : names) NoteUnwanted(name) */
#endif
       }
    fi
}

/* lib/keep/stored_sessions.cc: programs.erase(ended) */
inline remove_program(n_) {
    if
    :: (known & (1 << n_)) != 0 ->
        d_step { known = known & ~(1 << n_) };
#ifndef NEVER_REMOVED
        /* lib/keep/stored_sessions.cc: {Spell({kPty, number, session}), Spell({kPid, number, session})} */
        forget_kept(FORGET, n_)
#endif
    :: else
    fi
}

/* lib/session/current_program.cc: void CurrentProgram::Record() { */
inline record_end(n_) {
    end_of[n_] = end;           /* lib/session/current_program.cc: record.end = ring_.end() */
    d_step {
        LASTING_STEP(S_ENDED, n_, end)
        ended[n_] = true        /* lib/session/current_program.cc: SetOutcome(record, status_) */
    }
}

/* lib/session/session.cc: void Session::Finish() { */
inline finish() {
    record_end(programs);
    d_step {
        running = false;
        /* All that it wrote before its end is in the ring by then. */
        assert(pty == 0 || replaced[who] || taken[pty - 1] == written[pty - 1])
    };
    /* lib/head/head.cc: if (change.kind == Change::kEnded) { stores_.RemoveProgram */
    remove_program(programs)
}

/* lib/head/stores.cc: stored_.AddProgram(session.name(), session.owner(), */
inline keep_program(n_, p_, b_) {
    whole = false;
    if
    /* lib/keep/systemd_store.cc: Remove({name}) */
    :: KEEPER == 2 && (unwanted & (1 << n_)) != 0 -> forget_kept(FORGET, n_)
    :: KEEPER == 2 && (unwanted & 1) != 0 && !ring_known -> forget_kept(FORGET_ALL, 0)
    :: else
    fi;
    if
    :: KEEPER == 0
    :: KEEPER == 2 && ((unwanted & (1 << n_)) != 0 || ((unwanted & 1) != 0 && !ring_known))
    :: KEEPER == 1 || (KEEPER == 2 && (unwanted & (1 << n_)) == 0 && ((unwanted & 1) == 0 || ring_known)) ->
        /* lib/keep/stored_sessions.cc: if (!known.ring) wanted.push_back */
        if
        :: !ring_known -> atomic { nfull(to_keeper) -> ring = ring | STORING; to_keeper!RING(0, stream) }
        :: else
        fi;
        /* lib/keep/stored_sessions.cc: wanted.push_back({Spell({kPty, number, session}), controller}) */
        atomic {
            nfull(to_keeper) ->
            copies[p_] = copies[p_] | STORING;
            to_keeper!PTY(n_, p_)
        };
        /* lib/keep/stored_sessions.cc: wanted.push_back({Spell({kPid, number, session}), pidfd}) */
        atomic { nfull(to_keeper) -> to_keeper!PID(n_, b_) };
        if
        :: d_step { IF_NEXT(S_KEPT, n_, 0) (KEEPER == 2 || empty(to_keeper)) -> TAKE
            whole = true;
            ring_known = true;
            unwanted = unwanted & ~(1 | (1 << n_));
            known = known | (1 << n_)       /* lib/keep/stored_sessions.cc: known.programs.push_back(number) */
           }
        /* The holder has it, but its answer comes too late. */
        :: d_step { IF_NEXT(S_NOT_KEPT, n_, 0) KEEPER == 1 && lost < LOST -> TAKE
            lost++
#ifndef REMOVED_ONCE
            ;
            unwanted = unwanted | (1 << n_) | (ring_known -> 0 : 1)     /* lib/keep/stored_sessions.cc: NoteUnwanted(one.name) */
#endif
           }
        fi
    fi
}

/* lib/head/session_table.cc: void SessionTable::Forget(Session& session) { */
inline forget_session() {
    if
    :: ring_known -> forget_kept(FORGET_ALL, 0)
    :: else
    fi;
    d_step {
        drop_terminal();
        session = false;
        ring_known = false;
        whole = false;
        known = 0;
        ring = ring & (255 - HEAD)
    }
}

/* lib/session/session.cc: void Session::Start(Incarnation program) { */
inline start(n_, p_, b_) {
    if
    :: running ->
        /* lib/session/session.cc: program_.MakeWay() */
        d_step {
            STEP(S_MAKES_WAY, !alive[who], 0)
            if
            :: !alive[who] -> exited = true
            :: alive[who] && who != b_ && b_ == REPLACER -> replaced[who] = true
            :: else
            fi
        };
        /* Even past a client that is waited for: it is the last chance.
         * lib/session/session.cc: if (!drain_.ReadAll(terminal_)) changed_ */
        do
        :: READABLE ->
            room = AHEAD;
            read_turn();
            d_step {
                if
                :: displaced > follower_offset -> excused = true
                :: else
                fi
            }
        :: NOTHING_IS_LEFT -> break
        od;
        finish()
    :: else
    fi;
    d_step {
        drop_terminal();        /* lib/session/session.cc: leftovers_.Add(loop_, std::move(terminal_) */
        read_from_now_on(p_);   /* lib/session/session.cc: TakeTerminal(std::move(program.controller)); program_.Start */
        begin_of[n_] = end;
        ended[n_] = false
    };
    /* lib/session/ring.cc: Store(state_->incarnations, first.number) */
    d_step { LASTING_STEP(S_BEGAN, n_, end) programs = n_ };
    d_step {
        running = true;
        exited = false;
        drained = false;
        who = b_
    }
}

#ifdef OWN_NAME_IS_TAKEN
#define IS_OWN_NAME(b_) false
#else
#define IS_OWN_NAME(b_) (who == b_)     /* lib/head/registrar.cc: (pid == 0 || pid != newcomer.program.pid)) { */
#endif

/* lib/head/registrar.cc: absl::Status Registrar::OnRegister(PendingConnection& peer, Register message, */
inline register(b_) {
    d_step {
        p = pty_of[b_];
        copies[p] = (copies[p] & (255 - SENT)) | HEAD;
        n = 0;
        if
#ifndef NO_NAME_CHECK
        /* lib/head/registrar.cc: if (holder->program().IsAlive() && !newcomer.replace && */
        :: session && running && alive[who] && b_ != REPLACER && !IS_OWN_NAME(b_) ->
            connection[b_] = (connection[b_] == ASKED -> REFUSED : NONE);
            let_go(p, HEAD)
#endif
        :: else ->
            if
            /* lib/head/registrar.cc: ASSIGN_OR_RETURN(Ring ring, Ring::Create(history_)) */
            :: !session ->
                session = true;
                ring = ring | HEAD;
                stream++;
                end = 0; displaced = 0; cleared = 0; programs = 0; counted = 0;
#ifdef REPLAY
                dirty = 0;
#endif
                base_of[stream] = all_read
            :: else
            fi;
            n = programs + 1    /* lib/head/registrar.cc: const uint64_t number = session->program().number() + 1 */
        fi
    };
    if
    :: n > 0 ->
#ifdef ACCEPTED_BEFORE_KEPT
        whole = KEEPER > 0;
#else
        keep_program(n, p, b_);
#endif
        d_step {
            LASTING_STEP((connection[b_] == ASKED -> S_ACCEPTED : S_WENT_AWAY), n, 0)
            taken_up = false;
            if
            /* lib/head/registrar.cc: const bool accepted = peer == nullptr || peer->Accept(name) */
            :: connection[b_] == ASKED ->
                connection[b_] = ACCEPTED;
                kept[b_] = whole;
                if
                :: running && who != b_ && b_ == REPLACER -> replaced[who] = true
                :: else
                fi;
                taken_up = true
            :: else -> connection[b_] = NONE
            fi
        };
#ifdef ACCEPTED_BEFORE_KEPT
        keep_program(n, p, b_);
#endif
        if
        :: taken_up -> start(n, p, b_)
        :: else ->
            remove_program(n);          /* lib/head/registrar.cc: stores_.RemoveProgram(*session, number) */
            d_step { let_go(p, HEAD) };
            if
            :: programs == 0 && !client -> forget_session()     /* lib/head/registrar.cc: session->program().number() == 0 && session->clients().empty() */
            :: else
            fi
        fi
    :: n == 0 WHOLE_STEP(S_REFUSED, b_, 0)
    fi;
    d_step { n = 0; p = 0; taken_up = false }
}

/* lib/keep/stored_sessions.cc: ASSIGN_OR_RETURN(std::vector<StoredFd> all, store_->Fetch()) */
inline fetch() {
    if
    :: d_step { KEEPER == 0 -> skip }
    :: d_step { KEEPER > 0 && (early || empty(to_keeper)) ->
        for (n : 1 .. NUMBERS - 1) {
            /* What it fetched before it had the socket is what it has. */
            fetched_pty[n] = (early -> early_pty[n] : stored_pty[n]);
            fetched_pid[n] = (early -> early_pid[n] : stored_pid[n]);
            if
            :: fetched_pty[n] > 0 ->
                known = known | (1 << n);
                copies[fetched_pty[n] - 1] = (copies[fetched_pty[n] - 1] & (255 - NEXT)) | HEAD
            :: else
            fi
        }
        n = 0;
        early = false;
        if
        :: stored_ring > 0 && stored_ring != stream ->
            /* One that was forgotten comes back, with no program that runs. */
            for (n : 1 .. NUMBERS - 1) {
                assert(fetched_pid[n] == 0 || !accepted[fetched_pid[n] - 1] || !alive[fetched_pid[n] - 1])
            }
            n = 0;
            stored_ring = 0
        :: stored_ring == stream && stream > 0 ->
            ring = ring | HEAD;
            ring_known = true;
            whole = true
        :: else
        fi
       }
    fi
}

#ifdef REPLAY
/* Head says what it fetched if there was anything. */
inline fetched() {
    d_step {
        b = 0;
        for (n : 1 .. NUMBERS - 1) {
            b = b + ((fetched_pty[n] > 0 || fetched_pid[n] > 0) -> 1 : 0)
        }
        n = 0
    };
    if
    :: !ring_known && b == 0
    :: d_step { (ring_known || b > 0) && IS(S_FETCHED, ring_known, b) -> take() }
    fi;
    b = 0
}
#endif

/* lib/head/stores.cc: void Stores::RestorePrograms(Session& session, StoredSession stored) { */
inline restore() {
    if
    :: !ring_known ->
        /* lib/head/stores.cc: " is lost: its ring wasn't kept" */
        for (n : 1 .. NUMBERS - 1) {
            if
            :: fetched_pty[n] > 0 ->
                d_step { let_go(fetched_pty[n] - 1, HEAD); fetched_pty[n] = 0 };
                remove_program(n)
            :: else
            fi
        }
        n = 0
    :: ring_known ->
        d_step { STEP(S_RECOVERED, dirty, cleared) recover(); session = true };
        if
        :: programs > 0 && !ended[programs] ->
            if
            :: fetched_pty[programs] > 0 && fetched_pid[programs] > 0 ->
                /* lib/session/current_program.cc: if (pidfd_.valid() && has_terminal) return WatchPidfd() */
                d_step {
                    read_from_now_on(fetched_pty[programs] - 1);
                    running = true;
                    who = fetched_pid[programs] - 1;
                    fetched_pty[programs] = 0
                }
            :: else ->
                record_end(programs)
            fi
        :: programs > 0 && ended[programs] ->
            d_step {
                drained = true;
                exited = true;
                if
                :: fetched_pty[programs] > 0 ->
                    read_from_now_on(fetched_pty[programs] - 1);
                    fetched_pty[programs] = 0
                :: else
                fi
            }
        :: else
        fi;
        if
        /* lib/head/stores.cc: if (!session.running()) RemoveProgram(session, last) */
        :: programs > 0 && !running -> remove_program(programs)
        :: else
        fi;
        n = 1;
        do
        :: n < NUMBERS ->
            if
            :: fetched_pty[n] > 0 ->
                d_step { p = fetched_pty[n] - 1; taken_up = fetched_pid[n] > 0; b = fetched_pid[n] - 1; fetched_pty[n] = 0 };
                if
#ifndef UNKNOWN_IS_LOST
                /* lib/head/stores.cc: if (number == last + 1 && pid.ok() && size.ok()) { */
                :: taken_up && n == programs + 1 -> start(n, p, b)
#endif
                :: else ->
                    d_step { let_go(p, HEAD) };
                    remove_program(n)   /* lib/head/stores.cc: RemoveProgram(session, number); */
                fi
            :: else
            fi;
            n++
        :: else -> break
        od;
        /* lib/session/session.cc: audience_.Await(ring_.state().clients) */
        atomic {
            n = 0; p = 0; b = 0; taken_up = false;
            await()
        }
        WHOLE_STEP(S_AWAITS, awaited, 0)
    fi
}

/* lib/session/audience.cc: awaited_ = std::max(known, returners()) - returners() */
inline await() {
#if defined(AWAITS_NOBODY)
    awaited = 0
#elif defined(AWAITS_WHILE_IT_RUNS)
    awaited = ((running && counted > client) -> counted - client : 0)
#else
    awaited = (counted > client -> counted - client : 0)
#endif
}

/* lib/session/audience.cc: ring_.state().clients = awaited_ + returners() */
inline count_returners() {
    if
#ifdef STOP_COUNTS
    :: true ->
#else
    :: !stopping ->
#endif
#ifdef SEED_77001
        counted = client
#else
        counted = awaited + client
#endif
    :: else
    fi
}

#ifdef REPLAY
/* Nobody counts any more once head is to end. */
inline is_counted() {
    assert(next == S_COUNTED || next == S_KILLED || stopping)
}

inline tell_count() {
    if
    :: stopping || next == S_KILLED
    :: d_step { !stopping && MAY_BE(S_COUNTED, awaited + client, 0) -> count_returners(); take() }
    fi
}
#endif

inline await_one_less(returns_) {
    /* lib/session/audience.cc: if (awaited_ > 0 && client.CameBack() && --awaited_ == 0) { */
    if
    :: awaited > 0 && returns_ -> awaited--
    :: else
    fi
}

/* lib/clients/deptyr_protocol.cc: std::optional<uint64_t> DeptyrProtocol::Begin(ConnectedClient& client) const { */
inline attach() {
    follower_connection = ACCEPTED;
    client = true;
    if
    /* lib/clients/deptyr_protocol.cc: const bool returns = wish_.stream == stream && wish_.offset <= ring.end() */
    :: follower_stream == stream ->
        assert(follower_offset <= end);
        cursor = follower_offset;
        told = HAPPENED;
        /* lib/clients/deptyr_protocol.cc: record.outcome != Outcome::kRuns && record.end >= wish_.offset */
        do
#ifdef END_AT_OFFSET_IS_OLD
        :: told > 0 && OFFSET_OF(told) > follower_offset -> told--
#else
        :: told > 0 && OFFSET_OF(told) >= follower_offset -> told--
#endif
        :: else -> break
        od;
        to_follower!ATTACHED(stream, cursor, 2 * programs + running)
    :: else ->
        cursor = end;
        told = HAPPENED;
        to_follower!ATTACHED(stream, cursor, 2 * programs + running)
    fi;
    await_one_less(follower_stream != 0);
    count_returners()
}

/* The connection is the kernel's: what has been sent can still be read. */
inline detach() {
    client = false;
    count_returners()           /* lib/session/audience.cc: "left", 0, returners()); CountReturners() */
}

#define EVENT_IS_DUE (told < HAPPENED && OFFSET_OF(told + 1) <= cursor)

/* What the kernel closes when head's process has gone, and what it forgets. */
inline forget_all_of_head() {
    listening = false;
    if
    :: pty > 0 -> reader[pty - 1]--
    :: else
    fi;
    pty = 0;
    for (n : 0 .. PTYS - 1) {
        copies[n] = copies[n] & (255 - (HEAD
#ifndef TRIAL_OUTLIVES_HEAD
            | TRIAL     /* lib/sys/replace_self.cc: (void)::prctl(PR_SET_PDEATHSIG, SIGKILL) */
#endif
            ))
    }
    for (n : 0 .. BODIES - 1) {
        if
        :: connection[n] == ASKED || connection[n] == LEFT ->
            copies[pty_of[n]] = copies[pty_of[n]] & (255 - SENT);
            connection[n] = (connection[n] == ASKED -> CLOSED : NONE)
        :: else
        fi
    }
    for (n : 0 .. PTYS - 1) { check_hang_up(n) }
    n = 0;
    ring = ring & (255 - HEAD - TRIAL);
    if
    :: follower_connection == ASKED || follower_connection == ACCEPTED -> follower_connection = CLOSED
    :: else
    fi;
    if
    :: typist_connection == ACCEPTED -> typist_connection = CLOSED
    :: else
    fi;
    running = false; exited = false; drained = false; closed = false;
    who = 0; session = false; known = 0; ring_known = false; whole = false;
    unwanted = 0; awaited = 0; stopping = false; trying = false; served = false;
    client = false; cursor = 0; told = 0; queue = 0;
    room = 0; got = 0; target = 0; p = 0; b = 0; taken_up = false
}

proctype Head() {
    byte n, p, b;
    OFFSET room, got, target;
    bool taken_up;
    byte fetched_pty[NUMBERS], fetched_pid[NUMBERS];

    do
    :: {
        /* --- it starts */
        fetch();
        listening = true;       /* lib/head/head.cc: RETURN_IF_ERROR(listeners_.Open(inherited, state)) */
#ifdef REPLAY
        fetched();
#endif
        restore();              /* lib/head/head.cc: stores_.RestoreSessions() */
        d_step { STEP(S_SERVES, 0, 0) served = true };

        /* --- it serves */
end_serving:
        do
#ifdef REPLAY
        :: d_step { next == S_REGISTERS && (connection[first] == ASKED || connection[first] == LEFT) && !stopping ->
            b = first;
            take()
           };
           register(b)
        :: MAY_READ && READABLE -> read_turn()
        /* lib/head/head.cc: "no upgrade, head goes on as before: " */
        :: d_step { next == S_GOES_ON -> take(); trying = false }
#else
        :: BODIES > 0 && (connection[0] == ASKED || connection[0] == LEFT) && !stopping -> register(0)
#if BODIES > 1
        :: (connection[1] == ASKED || connection[1] == LEFT) && !stopping -> register(1)
#endif
#if BODIES > 2
        :: (connection[2] == ASKED || connection[2] == LEFT) && !stopping -> register(2)
#endif
        /* lib/session/session.cc: if (ready.readable && MayRead()) { */
        :: MAY_READ && (READABLE || (exited && !drained) || (!running && !IS_HEARD(closed) && !terminal[pty - 1])) ->
            room = (ROOM < AHEAD -> ROOM : AHEAD);
            read_turn()
#endif
        /* lib/session/current_program.cc: if (!HasEnded(pidfd_.get())) return */
        :: d_step { IF_NEXT(S_EXITED, 0, 0) running && !exited && !alive[who] -> TAKE exited = true }
        /* lib/session/session.cc: if (running() && program_.settled() && drain_.drained()) Finish() */
#ifdef STOPPED_UNREAD
        :: running && exited && (drained || stopping) -> finish()
#else
        :: IF_LASTS(S_ENDED, programs, end) running && exited && drained -> finish()
#endif
        /* lib/session/session.cc: if (!running() && drain_.closed()) DropTerminal() */
        :: d_step { !running && pty > 0 && closed -> drop_terminal() }
#ifndef REPLAY
        /* lib/clients/client.cc: const bool insert = output().leaving() || (packet_left_ == 0 && InsertIsDue()) */
        :: atomic { client && EVENT_IS_DUE && nfull(to_follower) ->
            told++;
            to_follower!EVENT(told, 0, 0)
           }
        :: atomic { client && !EVENT_IS_DUE && cursor < end && cursor >= displaced && nfull(to_follower) ->
            to_follower!OUTPUT(bytes[cursor % CAPACITY], 0, 0);
            cursor++
           }
        /* lib/clients/client.cc: if (lost() || (cursor() < ring.begin() && !drawn())) { */
        :: atomic { client && !EVENT_IS_DUE && cursor < displaced && nfull(to_follower) ->
            cursor = displaced;
            to_follower!MISSED(cursor, 0, 0)
           }
        /* lib/head/head_clients.cc: .Join(*session) */
        :: atomic { FOLLOWERS > 0 && follower_connection == ASKED && session && programs > 0 && !stopping && empty(to_follower) ->
            attach()
           }
        :: d_step { client && follower_gone -> detach() }
        :: d_step { visitors < VISITORS && session -> visitors++; count_returners() }
#endif
        /* lib/session/audience.cc: awaited_ = 0; */
#ifndef AWAITS_FOR_EVER
#ifdef REPLAY
        :: d_step { IS(S_AWAITS, 0, 0) && awaited > 0 -> take(); awaited = 0; is_counted() };
           tell_count()
#else
        :: d_step { awaited > 0 -> awaited = 0; excused = true; count_returners() }
#endif
#endif
        /* lib/session/session.cc: const size_t taken = input_.Take(from, keystrokes) */
        :: d_step { KEYS > 0 && running && queue == 0 && nempty(to_head) && typist_connection == ACCEPTED -> to_head?queue }
        :: d_step { KEYS > 0 && queue > 0 && to_program == 0 && running -> to_program = queue; queue = 0 }

        :: forgets < FORGETS && session && !running && programs > 0 && !client ->
            forgets++;
            forget_session()

        /* lib/keep/stored_sessions.cc: absl::Status StoredSessions::RemoveUnwanted() { */
        :: (unwanted & 1) != 0 -> forget_kept(FORGET_ALL, 0)
        :: (unwanted & ~1) != 0 ->
            d_step {
                n = 1;
                do
                :: (unwanted & (1 << n)) == 0 -> n++
                :: else -> break
                od
            };
            forget_kept(FORGET, n);
            n = 0
        /* lib/head/stores.cc: if (!session->running() || !session->terminal().valid()) continue */
        :: IF_LASTS(S_KEPT, programs, 0) KEEPER > 0 && running && pty > 0 && !whole ->
            keep_program(programs, pty - 1, who);
            d_step { kept[who] = whole }

        /* lib/sys/replace_self.cc: const pid_t pid = ::fork() */
        :: atomic { IF_NEXT(S_TRIES, 0, 0) upgrades < UPGRADES && !trying && !stopping && served && session -> TAKE
            upgrades++;
            trying = true;
            if
            :: pty > 0 -> copies[pty - 1] = copies[pty - 1] | TRIAL
            :: else
            fi;
            ring = ring | TRIAL
#ifdef OFFER_OF_THE_TRIAL
            ;
            offered_cursor = cursor;
            offered_told = told
#endif
            ;
            run Trial(upgrades)
           }
        /* lib/head/upgrade.cc: ReplaceSelf(options_.program, options_.argv, OfferOf(owner_.Save())) */
        :: d_step { IF_NEXT(S_RECOVERED, dirty, cleared) trying && (ring & TRIAL) == 0 && !stopping -> TAKE
            trying = false;
            /* It is another program from here on, with what was saved. */
#ifdef OFFER_OF_THE_TRIAL
            cursor = offered_cursor;
            told = offered_told;
#endif
#ifdef KEYS_ARE_NOT_SAVED
            queue = 0;
#endif
            exited = false;
            drained = !running;
            recover();
            await()     /* lib/head/head.cc: session->OnReadmitted(state) */
           }
           WHOLE_STEP(S_AWAITS, awaited, 0)
           WHOLE_STEP(S_SERVES, 0, 0)

        /* lib/head/head.cc: if (std::exchange(stopping_, true)) return */
        :: d_step { IF_NEXT(S_STOPS, 0, 0) stops < STOPS && served -> TAKE
            stops++;
            stopping = true;
            listening = false;
            for (n : 0 .. BODIES - 1) {
                if
                :: connection[n] == ASKED || connection[n] == LEFT ->
                    copies[pty_of[n]] = copies[pty_of[n]] & (255 - SENT);
                    connection[n] = (connection[n] == ASKED -> CLOSED : NONE)   /* lib/head/registrar.cc: Register message, Fd& controller) { if (stopping_) return absl::CancelledError */
                :: else
                fi
            }
            n = 0
           }
        /* lib/head/head.cc: until_end_ = loop_.After(kLastPatience, [this] { finished_ = true; }) */
#ifndef REPLAY
        :: d_step { stopping -> detach(); dying = true }
#endif
        od
       } unless { dying };
       d_step {
           forget_all_of_head();
           dying = false
       };
       /* Without a keeper, its programs go with it, and the next one knows none
        * of them. */
       if
       :: d_step { ring == 0 -> stored_ring = 0 }
       :: d_step { ring != 0 }
       fi
    od
}

/* The process that an upgrade is tried with; it has copies of all descriptors. */
proctype Trial(byte me) {
    byte t;
#ifdef TRIAL_READS
    /* It serves, as the program that takes over does. */
    d_step {
        if
        :: pty > 0 && (copies[pty - 1] & TRIAL) != 0 -> assert(reader[pty - 1] == 0)
        :: else
        fi
    };
#endif
#ifdef TRIAL_RECOVERS
    /* lib/head/upgrade.cc: const absl::Status ring = Ring::CheckFormat(Duplicate(session.ring)) */
    d_step {
        if
        :: (ring & TRIAL) != 0 -> recover()
        :: else
        fi
    };
#endif
#ifdef TRIAL_OUTLIVES_HEAD
    /* It is stopped, and nobody continues it. */
    if
    :: true -> goto stopped
    :: true
    fi;
#endif
    /* lib/head/run_head.cc: if ((*handed_over)->trial) return absl::OkStatus() */
    d_step {
      if
      :: me == upgrades ->
        for (t : 0 .. PTYS - 1) {
            if
            :: (copies[t] & TRIAL) != 0 -> let_go(t, TRIAL)
            :: else
            fi
        }
        t = 0;
        ring = ring & (255 - TRIAL)
      :: else
      fi
    }
#ifdef TRIAL_OUTLIVES_HEAD
stopped:
    skip
#endif
}

/* ------------------------------------------------- the follower, the typist */

#if FOLLOWERS > 0
proctype Follower() {
    mtype what;
    byte x, y, z, number, heard;
    bool runs, returns;

end_away:
    do
    :: d_step {
        listening && session && programs > 0 && !stopping && follower_connection == NONE ->
        follower_connection = ASKED;
        returns = follower_stream != 0
       };
end_attached:
       do
       :: d_step { to_follower?what(x, y, z) ->
            if
            /* lib/attach/stream_position.cc: void StreamPosition::Enter(const Attached& attached) { */
            :: what == ATTACHED ->
                if
                :: !(returns && x == follower_stream && y >= follower_offset) ->
                    number = z / 2;
                    runs = z % 2
                :: else
                fi;
                returns = false;
                heard = (x == follower_stream -> heard : 0);
                follower_stream = x;
                follower_offset = y
            :: what == OUTPUT ->
                /* This byte, and no other, is the next one of the stream. */
                assert(x == truth[base_of[follower_stream] + follower_offset]);
                follower_offset++
            :: what == MISSED ->
                assert(excused);
                follower_offset = x
            :: what == EVENT ->
                if
#ifndef OLD_NOTICES_ARE_NEWS
                /* lib/attach/stream_position.cc: if (number < number_ || (number == number_ && (starts || !running_))) { */
                :: (x + 1) / 2 < number || ((x + 1) / 2 == number && (x % 2 == 1 || !runs))
#endif
                :: else ->
                    /* Each end is told once, each start before its end, and
                     * after all that the program wrote. */
                    assert(x > heard);
                    assert(x % 2 == 1 || excused || follower_stream != stream || follower_offset >= end_of[x / 2]);
                    heard = x;
                    number = (x + 1) / 2;
                    runs = x % 2
                fi
            fi;
            x = 0; y = 0; z = 0; what = 0
          }
       :: d_step { empty(to_follower) && follower_connection == CLOSED -> follower_connection = NONE; returns = false } ->
            break
#if FOLLOWER_KILLS > 0
       :: d_step { follower_connection == ACCEPTED && !follower_gone ->
            follower_gone = true;
            excused = true
          } ->
            goto dead
#endif
       /* Nothing more will come. */
       :: timeout;
            d_step {
                assert(follower_connection != ACCEPTED || follower_offset == end || stream != follower_stream);
                assert(follower_connection != ACCEPTED || 2 * number - runs == HAPPENED);
            };
            goto over
       od
    od;
#if FOLLOWER_KILLS > 0
dead:
    do
    :: d_step { to_follower?what(x, y, z); x = 0; y = 0; z = 0; what = 0 }
    :: d_step { client == false && empty(to_follower) -> follower_connection = NONE } -> break
    od;
#endif
over:
    skip
}
#endif

#if KEYS > 0
proctype Typist() {
    byte sent = 0;
end_typing:
    do
    :: d_step { listening && session && running && typist_connection == NONE && !stopping -> typist_connection = ACCEPTED }
    :: d_step { typist_connection == ACCEPTED && sent < KEYS && nfull(to_head) -> sent++; to_head!sent }
    :: d_step { typist_connection == CLOSED ->
        if
        :: nempty(to_head) -> to_head?_
        :: empty(to_head)
        fi;
        typist_connection = NONE
       }
    od
}
#endif

#ifdef REPLAY
proctype Clients() {
    do
    :: d_step { next == S_ATTACHED && session -> client = second; await_one_less(first == 1); advance(); is_counted() };
       tell_count()
    :: d_step { next == S_LEFT && session -> client = second; advance(); is_counted() };
       tell_count()
    od
}

/* The end is what is searched for. */
proctype Judge() {
    next == S_DONE;
    assert(next != S_DONE)
}
#endif

/* ----------------------------------------------------------------- the fate */

proctype Fate() {
    byte m;

    do
#ifdef REPLAY
    :: d_step { next == S_KILLED && !dying -> crashed = true; dying = true; untold = false; advance() }
#endif
    :: d_step { kills < KILLS && !dying ->
        kills++;
        crashed = true;
        dying = true
       }
#ifdef FETCHED_EARLY
    /* Somebody starts a head while this one runs; it finds the socket taken,
     * unless that one dies just then. */
    :: d_step { earlies < EARLY && listening && !dying && empty(to_keeper) && !early ->
        earlies++;
        early = true;
        for (m : 1 .. NUMBERS - 1) {
            early_pty[m] = stored_pty[m];
            early_pid[m] = stored_pid[m];
            if
            :: early_pty[m] > 0 -> copies[early_pty[m] - 1] = copies[early_pty[m] - 1] | NEXT
            :: else
            fi
        }
        m = 0
       }
    :: d_step { early && listening ->
        early = false;
        for (m : 0 .. PTYS - 1) {
            if
            :: (copies[m] & NEXT) != 0 -> let_go(m, NEXT)
            :: else
            fi
        }
        m = 0
       }
#endif
#ifndef REPLAY
    :: atomic { !early -> break }
#endif
    od
}

/* When nobody has anything left to do, nothing is held. */
proctype Rest() {
    byte i;
    timeout;
    d_step {
        assert(typed == KEYS || crashed);
        for (i : 0 .. PTYS - 1) { assert((copies[i] & (255 - NEXT)) == 0) }
        for (i : 1 .. NUMBERS - 1) { assert(stored_pty[i] == 0 && stored_pid[i] == 0) }
        for (i : 0 .. BODIES - 1) { assert(!alive[i] && connection[i] != ASKED && connection[i] != LEFT) }
        assert(!running && awaited == 0 && !trying);
        assert(programs == 0 || ring == 0 || ended[programs])
    }
}

init {
    byte i_init;
    atomic {
        for (i_init : 0 .. BODIES - 1) {
            alive[i_init] = true;
            connection[i_init] = NONE;
            run Body(i_init)
        }
        run Keeper();
        run Head();
#if FOLLOWERS > 0
        run Follower();
#endif
#if KEYS > 0
        run Typist();
#endif
#ifdef REPLAY
        c_code { read_steps(); };
        run Clients();
        run Judge();
        run Fate()
#else
        run Fate();
        run Rest()
#endif
    }
}
