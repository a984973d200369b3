// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// This file is empty: it tells the compiler that functions without a body are
// meant to be so. Theirs are in package runtime.
