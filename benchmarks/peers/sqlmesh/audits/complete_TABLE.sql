AUDIT (
  name complete_<<table>>,
  blocking TRUE
);

<<gate>>
