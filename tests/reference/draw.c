/* SPDX-License-Identifier: BSD-2-Clause */
/* Dice, and picking what an actor has. */
#include "draw.h"

enum { PREPARED = 512 };

static struct ref_random dice;
static struct operation prepared[PREPARED];
static unsigned prepared_first, prepared_count;
static unsigned next_variable;

void generate_seed(uint64_t seed)
{
    ref_random_seed(&dice, ~seed); /* not as addresses are */
    prepared_first = prepared_count = next_variable = 0;
    generate_mood();
}

unsigned below(unsigned n)
{
    return (unsigned)ref_random_below(&dice, n);
}

bool one_in(unsigned n)
{
    return !below(n);
}

uint64_t any_word(void)
{
    return ref_random_next(&dice);
}

struct term constant(uint64_t value)
{
    return (struct term){VARIABLE_NONE, value};
}

uint16_t variable(unsigned actor, unsigned which)
{
    return (uint16_t)(VARIABLE_FIRST + actor * VARIABLES + which);
}

struct term held(uint16_t which, uint64_t plus)
{
    return (struct term){which, plus};
}

/* A value that an actor knows, by the variable that holds it, where there is one. */
struct term known(unsigned actor, uint64_t value)
{
    for (unsigned i = 0; i < VARIABLES; i++) {
        if (variables[variable(actor, i)] == value)
            return held(variable(actor, i), 0);
    }
    return constant(value);
}

/* A variable of the actor for something new: in turn, but none that holds a handle in use, if it can be avoided. */
uint16_t fresh_variable(unsigned actor)
{
    for (unsigned tries = 0; tries < VARIABLES; tries++) {
        uint16_t new = variable(actor, OWN_FREE + next_variable++ % (VARIABLES - OWN_FREE));
        const struct ref_process *process = actors[actor].process;
        uint64_t index = variables[new] & 0xffffff;
        bool used = process && index < REF_HANDLES && process->table->entries[index].object &&
                    process->table->entries[index].generation == variables[new] >> CAVERN_HANDLE_INDEX_BITS;
        if (!used)
            return new;
    }
    return variable(actor, VARIABLES - 1);
}

void prepare(const struct operation *operation)
{
    if (prepared_count < PREPARED)
        prepared[(prepared_first + prepared_count++) % PREPARED] = *operation;
}

unsigned actor_of(const struct ref_process *process)
{
    unsigned actor = 0;
    while (actor < ACTORS && actors[actor].process != process)
        actor++;
    return actor;
}

/* Index of one of the actor's handles, of a type (NONE: any); 0: it has none. */
unsigned some_entry(unsigned actor, enum cavern_type type)
{
    const struct ref_table *table = actors[actor].process->table;
    unsigned found = 0, seen = 0;
    for (unsigned i = 4; i < REF_HANDLES; i++) {
        const struct ref_entry *entry = &table->entries[i];
        if (entry->object && (type == CAVERN_TYPE_NONE || entry->object->type == type) && one_in(++seen))
            found = i;
        if (!entry->used_before && i > 300)
            break;
    }
    return found;
}

struct term handle(unsigned actor, enum cavern_type type)
{
    if (one_in(50))
        return one_in(2) ? constant(below(8)) : handle(actor, CAVERN_TYPE_NONE);
    if (type == CAVERN_TYPE_ACCOUNT && below(actor ? 8 : 3))
        return actor ? constant(CAVERN_SELF_ACCOUNT) : held(variable(0, 0), 0);
    if (type == CAVERN_TYPE_PROCESS && one_in(2))
        return constant(CAVERN_SELF_PROCESS);
    unsigned index = some_entry(actor, type);
    if (!index)
        return constant(CAVERN_SELF_PROCESS + below(3));
    const struct ref_entry *entry = &actors[actor].process->table->entries[index];
    return known(actor, entry->generation << CAVERN_HANDLE_INDEX_BITS | index);
}

struct ref_object *object_of(unsigned actor, const struct term *term)
{
    uint16_t rights;
    const struct ref_thread *thread = NULL;
    for (unsigned i = 0; i < THREADS && !thread; i++)
        thread = actors[actor].threads[i];
    return ref_find(thread, term_value(term), &rights);
}

unsigned prepared_operations(void)
{
    return prepared_count;
}

void take_prepared(struct operation *operation)
{
    *operation = prepared[prepared_first];
    prepared_first = (prepared_first + 1) % PREPARED;
    prepared_count--;
}
