/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler's manual says of its built-in functions: assumed, as is the compiler. */

/*@
  requires value != 0;
  assigns \nothing;
  ensures 0 <= \result <= 31 && (value & (1 << (31 - \result))) != 0;
  ensures \forall integer n; 31 - \result < n <= 31 ==> (value & (1 << n)) == 0;
*/
int __builtin_clz(unsigned value);
