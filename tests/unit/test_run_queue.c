/* SPDX-License-Identifier: BSD-2-Clause */
/* The run queue against an array that is searched. */
#include "unit.h"

#include "core/random.h"
#include "core/run_queue.h"

enum {
    RUNNABLES = 40,
};

static void test_run_queue_when_empty_has_nothing(void **state)
{
    struct run_queue queue;

    (void)state;
    run_queue_init(&queue);
    assert_null(run_queue_first(&queue));
    assert_null(run_queue_pop(&queue));
    assert_int_equal(run_queue_highest(&queue), RUN_QUEUE_NONE);
    run_queue_rotate(&queue, 5);
    assert_true(run_queue_invariants(&queue));
}

/* [SCHED-1] */
static void test_run_queue_pop_takes_highest_priority(void **state)
{
    static const uint8_t priorities[] = {3, 31, 0, 17, 30};
    static const uint8_t order[] = {31, 30, 17, 3, 0};
    struct run_queue queue;
    struct runnable runnables[5] = {0};

    (void)state;
    run_queue_init(&queue);
    for (int i = 0; i < 5; i++) {
        runnables[i].priority = priorities[i];
        run_queue_push_back(&queue, &runnables[i]);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(run_queue_highest(&queue), order[i]);
        assert_int_equal(run_queue_pop(&queue)->priority, order[i]);
        assert_true(run_queue_invariants(&queue));
    }
    assert_null(run_queue_pop(&queue));
}

/* [SCHED-2] behind those of its priority, [SCHED-4] first of them, [SCHED-5] behind the others of its priority */
static void test_run_queue_order_within_a_priority(void **state)
{
    struct run_queue queue;
    struct runnable r[4] = {{.priority = 8}, {.priority = 8}, {.priority = 8}, {.priority = 9}};

    (void)state;
    run_queue_init(&queue);
    run_queue_push_back(&queue, &r[0]);
    run_queue_push_back(&queue, &r[1]);
    run_queue_push_front(&queue, &r[2]);
    assert_ptr_equal(run_queue_first(&queue), &r[2]);
    run_queue_rotate(&queue, 8);
    assert_ptr_equal(run_queue_first(&queue), &r[0]);
    run_queue_push_back(&queue, &r[3]);
    run_queue_rotate(&queue, 9);
    assert_ptr_equal(run_queue_pop(&queue), &r[3]);
    assert_ptr_equal(run_queue_pop(&queue), &r[0]);
    assert_ptr_equal(run_queue_pop(&queue), &r[1]);
    assert_ptr_equal(run_queue_pop(&queue), &r[2]);
}

static void test_run_queue_remove_of_last_clears_priority(void **state)
{
    struct run_queue queue;
    struct runnable low = {.priority = 1}, high = {.priority = 2};

    (void)state;
    run_queue_init(&queue);
    assert_false(run_queue_queued(&high));
    run_queue_push_back(&queue, &low);
    run_queue_push_back(&queue, &high);
    assert_true(run_queue_queued(&high));
    run_queue_remove(&queue, &high);
    assert_false(run_queue_queued(&high));
    assert_int_equal(run_queue_highest(&queue), 1);
    run_queue_remove(&queue, &low);
    assert_int_equal(run_queue_highest(&queue), RUN_QUEUE_NONE);
}

/* All that is queued, in the order of arrival. */
struct model {
    struct runnable *queued[RUNNABLES];
    int count;
};

static void model_insert(struct model *model, int at, struct runnable *runnable)
{
    memmove(&model->queued[at + 1], &model->queued[at], (size_t)(model->count - at) * sizeof(void *));
    model->queued[at] = runnable;
    model->count++;
}

static void model_remove(struct model *model, const struct runnable *runnable)
{
    int at = 0;

    while (model->queued[at] != runnable)
        at++;
    model->count--;
    memmove(&model->queued[at], &model->queued[at + 1], (size_t)(model->count - at) * sizeof(void *));
}

static struct runnable *model_first(const struct model *model)
{
    struct runnable *first = NULL;

    for (int i = 0; i < model->count; i++)
        if (!first || model->queued[i]->priority > first->priority)
            first = model->queued[i];
    return first;
}

static void model_rotate(struct model *model, uint8_t priority)
{
    for (int i = 0; i < model->count; i++) {
        struct runnable *runnable = model->queued[i];

        if (runnable->priority == priority) {
            model_remove(model, runnable);
            model_insert(model, model->count, runnable);
            return;
        }
    }
}

static void test_run_queue_at_random_agrees_with_model(void **state)
{
    static struct runnable runnables[RUNNABLES];
    struct run_queue queue;
    struct model model = {.count = 0};
    struct random random;

    (void)state;
    random_seed(&random, 11);
    run_queue_init(&queue);
    for (int step = 0; step < 20000; step++) {
        struct runnable *runnable = &runnables[random_below(&random, RUNNABLES)];
        uint8_t priority = (uint8_t)random_below(&random, RUN_QUEUE_PRIORITIES);

        if (random_below(&random, 4) == 0) {
            run_queue_rotate(&queue, priority);
            model_rotate(&model, priority);
        } else if (run_queue_queued(runnable)) {
            runnable = random_below(&random, 2) ? runnable : run_queue_first(&queue);
            run_queue_remove(&queue, runnable);
            model_remove(&model, runnable);
        } else {
            bool front = random_below(&random, 2);

            runnable->priority = priority;
            (front ? run_queue_push_front : run_queue_push_back)(&queue, runnable);
            model_insert(&model, front ? 0 : model.count, runnable);
        }
        assert_ptr_equal(run_queue_first(&queue), model_first(&model));
        assert_true(run_queue_invariants(&queue));
    }
    while (model.count) {
        struct runnable *first = model_first(&model);

        assert_ptr_equal(run_queue_pop(&queue), first);
        model_remove(&model, first);
    }
    assert_null(run_queue_pop(&queue));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_queue_when_empty_has_nothing),
        cmocka_unit_test(test_run_queue_pop_takes_highest_priority),
        cmocka_unit_test(test_run_queue_order_within_a_priority),
        cmocka_unit_test(test_run_queue_remove_of_last_clears_priority),
        cmocka_unit_test(test_run_queue_at_random_agrees_with_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
