import { create } from "zustand";

export type Answer<T extends string> = { value: T; label: string; look?: "primary" | "danger" | "plain" };

type Question = {
  title: string;
  text: string;
  details?: string[];
  answers: Answer<string>[];
  resolve(value: string | null): void;
};

/** One question at a time; a later one replaces an open one, which then counts as dismissed. */
export const useAsk = create<{ question: Question | null }>()(() => ({ question: null }));

/** Asks the person in front of the screen. `null` if they dismissed the question. */
export function ask<T extends string>(question: {
  title: string;
  text: string;
  details?: string[];
  answers: Answer<T>[];
}): Promise<T | null> {
  useAsk.getState().question?.resolve(null);
  return new Promise((resolve) => {
    useAsk.setState({
      question: {
        ...question,
        resolve(value) {
          useAsk.setState({ question: null });
          resolve(value as T | null);
        },
      },
    });
  });
}
