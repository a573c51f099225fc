// Nothing may change what all objects share: a hole in one library must not reach through the others.
//
// Tauri's `freezePrototype` does this as well, but a plainly frozen `Object.prototype` also forbids every object to have a
// `constructor` or `toString` of its own by assignment, which honest libraries do. So each shared property becomes one
// that is read from here and can be overridden on an object, and only then everything is frozen.
(() => {
  const shared = Object.prototype;
  for (const key of Reflect.ownKeys(shared)) {
    const { value, configurable, enumerable } = Reflect.getOwnPropertyDescriptor(shared, key);
    if (!configurable || value === undefined) continue;
    Object.defineProperty(shared, key, {
      get: () => value,
      set(own) {
        if (this === shared) throw new TypeError(`\`${String(key)}\` of all objects cannot be changed`);
        Object.defineProperty(this, key, { value: own, writable: true, enumerable: true, configurable: true });
      },
      enumerable,
      configurable: false,
    });
  }
  Object.freeze(shared);
})();
