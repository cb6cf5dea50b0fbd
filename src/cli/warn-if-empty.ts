import type { Catalogue } from '../catalogue/read-catalogue.ts';
import type { Reporter } from '../reporter.ts';
import { shown } from '../shown.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** In a bucket every prefix exists: a misspelt one is empty, which may be worth a look. */
export function warnIfEmpty(store: ObjectStore, { objects }: Catalogue, reporter: Reporter): void {
  if (objects.size === 0) reporter.warn(`nothing lies below ${shown(store.urlOf(''))}`);
}
