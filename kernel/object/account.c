/* SPDX-License-Identifier: BSD-2-Clause */
/* The root's own object stands in a slab of the root: the one object that holds no reference to its account. */
#include "object/account.h"

#include "core/page_allocator.h"
#include "core/run_queue.h"
#include "core/slab.h"
#include "object/machine.h"
#include "object/memory.h"

static bool source_take(struct page_source *source, uint64_t *physical)
{
    return account_take_page(container_of(source, struct account, pages), physical);
}

static void source_give(struct page_source *source, uint64_t physical)
{
    account_give_page(container_of(source, struct account, pages), physical);
}

static void account_init(struct account *account, struct account *parent, uint8_t top_priority)
{
    account->parent = parent;
    account->top_priority = top_priority;
    account->depth = parent ? (uint8_t)(parent->depth + 1) : 0;
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        list_init(&account->slabs[i]);
    tree_init(&account->holdings);
    account->pages = (struct page_source){.take = source_take, .give = source_give};
}

struct account *account_root_create(void)
{
    uint64_t limit = memory_free(), page;
    if (!memory_take_page(&page))
        return NULL;
    struct slab *slab = slab_init(arch_direct(page), sizeof(struct account), CLASS_ACCOUNT, NULL);
    struct account *root = slab_alloc(slab);
    root->object = (struct object){.type = CAVERN_TYPE_ACCOUNT, .class = CLASS_ACCOUNT, .references = 1};
    account_init(root, NULL, RUN_QUEUE_PRIORITIES - 1);
    root->budget = (struct budget){.limit = limit, .used = PAGE_BYTES};
    slab->owner = root;
    list_push_back(&root->slabs[CLASS_ACCOUNT], &slab->link);
    return root;
}

struct account *account_create(struct account *parent, uint64_t bytes, uint8_t top_priority)
{
    struct account *account = bytes <= INT64_MAX ? object_create(parent, CLASS_ACCOUNT) : NULL;
    if (!account)
        return NULL;
    account_init(account, parent, top_priority);
    if (!account_resize(account, (int64_t)bytes)) {
        object_free(account);
        return NULL;
    }
    parent->accounts++;
    return account;
}

bool account_resize(struct account *account, int64_t bytes)
{
    return budget_split(&account->parent->budget, &account->budget, bytes);
}

bool account_within(const struct account *account, const struct account *ancestor)
{
    while (account && account != ancestor)
        account = account->parent;
    return account;
}

bool account_destroy(struct object *object)
{
    struct account *account = container_of(object, struct account, object);
    struct account *parent = account->parent;
    if (!parent || !budget_close(&parent->budget, &account->budget))
        panic("account: ends with %lu bytes in use", (unsigned long)account->budget.used);
    parent->accounts--;
    object_free(account); /* the last use of the parent here: it may go too */
    return true;
}

bool account_take_page(struct account *account, uint64_t *physical)
{
    if (!budget_charge(&account->budget, PAGE_BYTES))
        return false;
    if (memory_take_page(physical))
        return true;
    budget_release(&account->budget, PAGE_BYTES);
    return false;
}

void account_give_page(struct account *account, uint64_t physical)
{
    memory_give(physical, 1);
    budget_release(&account->budget, PAGE_BYTES);
}

bool account_charge(struct account *account, uint64_t bytes)
{
    return budget_charge(&account->budget, bytes);
}

void account_release(struct account *account, uint64_t bytes)
{
    budget_release(&account->budget, bytes);
}

static struct slab *slab_with_room(struct account *account, enum object_class_id class)
{
    struct list *first = list_first(&account->slabs[class]);
    if (first)
        return container_of(first, struct slab, link);
    uint64_t page;
    if (!account_take_page(account, &page))
        return NULL;
    struct slab *slab = slab_init(arch_direct(page), object_classes[class].size, class, account);
    list_push_back(&account->slabs[class], &slab->link);
    return slab;
}

void *account_slab_take(struct account *account, enum object_class_id class)
{
    struct slab *slab = slab_with_room(account, class);
    if (!slab)
        return NULL;
    void *object = slab_alloc(slab);
    if (slab_full(slab))
        list_remove(&slab->link);
    account->objects++;
    object_get(&account->object); /* until account_slab_give */
    return object;
}

void account_slab_give(void *object)
{
    struct slab *slab = slab_of(object);
    struct account *account = slab->owner;
    bool was_full = slab_full(slab);
    if (!slab_free(object))
        panic("account: an object is freed twice");
    if (was_full)
        list_push_front(&account->slabs[slab->kind], &slab->link);
    if (slab_empty(slab)) {
        list_remove(&slab->link);
        account_give_page(account, arch_physical(slab));
    }
    account->objects--;
    object_put(&account->object); /* account_slab_take */
}
