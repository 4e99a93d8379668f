/* SPDX-License-Identifier: BSD-2-Clause */
#include "object/paged.h"

#include "object/account.h"

static void *take(struct account *account)
{
    uint64_t physical;
    return account_take_page(account, &physical) ? arch_direct(physical) : NULL;
}

static void give(struct account *account, void *page)
{
    account_give_page(account, arch_physical(page));
}

bool paged_create(struct paged *paged, struct account *account, uint64_t bytes)
{
    uint64_t pages = (bytes + CAVERN_PAGE_SIZE - 1) / CAVERN_PAGE_SIZE;
    *paged = (struct paged){.directory = &paged->single, .wanted = (uint32_t)pages};
    if (pages > PAGED_PAGES_MAX)
        return false;
    if (pages > 1) {
        void *directory = take(account);
        if (!directory)
            return false;
        paged->directory = directory;
    }
    return true;
}

bool paged_fill(struct paged *paged, struct account *account, unsigned *budget)
{
    for (; *budget && !paged_is_full(paged); --*budget) {
        void *page = take(account);
        if (!page)
            return false;
        paged->directory[paged->pages++] = page;
    }
    return true;
}

bool paged_destroy(struct paged *paged, struct account *account, unsigned budget)
{
    for (; paged->pages; paged->pages--) {
        if (!budget--)
            return false;
        give(account, paged->directory[paged->pages - 1]);
    }
    if (paged->directory && paged->directory != &paged->single)
        give(account, paged->directory);
    *paged = (struct paged){0};
    return true;
}
