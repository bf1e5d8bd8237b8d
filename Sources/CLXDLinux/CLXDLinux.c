/* Header-only module. */
