// Copyright 2020 X
import a from "a";

/** A row. */
export const Row = memo((props: Props) => {
  // Not documentation.
  return <a>{props.b}</a>;
});
function Cell(): JSX.Element { return <b />; }
