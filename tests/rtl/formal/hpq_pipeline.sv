  // What hpq_pipeline promises; stands at the end of a copy of the module.
  //
  // A datapath of STAGES registers stands beside it, as beside every use of it, and any beat, chosen when it goes
  // in, is followed: it goes one stage further whenever the pipeline moves, and is at the end neither late nor twice.
  localparam int F_POS_W = $clog2(STAGES + 1);
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  (* anyseq *) logic f_pick;
  (* anyseq *) logic [1:0] f_in;
  logic [2*STAGES-1:0] f_data;
  logic [ F_POS_W-1:0] f_fill, f_at;  // beats inside; stage of the one that is followed
  logic [         1:0] f_value;
  logic                f_followed, f_waited, f_push, f_pop;
  assign f_push = in_valid && in_ready;
  assign f_pop  = out_valid && out_ready;
  always_ff @(posedge clk) begin
    if (en) f_data <= (2 * STAGES)'({f_data, f_in});
    f_waited <= !rst && out_valid && !out_ready;
    if (rst) f_fill <= '0;
    else f_fill <= f_fill + F_POS_W'(f_push) - F_POS_W'(f_pop);
    if (rst) f_followed <= 1'b0;
    else if (!f_followed && f_pick && f_push) begin
      f_followed <= 1'b1;
      f_at       <= '0;
      f_value    <= f_in;
    end else if (f_followed && (!out_valid || out_ready)) begin
      f_followed <= f_at != F_POS_W'(STAGES - 1);
      f_at       <= f_at + 1'b1;
    end
  end

  logic [F_POS_W-1:0] f_held;
  always_comb begin
    f_held = '0;
    for (int i = 0; i < STAGES; i++) f_held += F_POS_W'(valid[i]);
  end

  always_comb begin
    if (f_started) begin
      assert (in_ready == (!out_valid || out_ready));
      assert (en == in_ready);
      assert (32'(f_fill) <= STAGES);
      if (f_fill == '0) assert (!out_valid);
      if (32'(f_fill) == STAGES) assert (out_valid);
      if (f_waited) assert (out_valid);
      if (f_followed) begin
        assert (f_fill != '0);
        assert (32'(f_at) < STAGES);
        if (32'(f_at) == STAGES - 1) assert (out_valid && f_data[2*STAGES-1-:2] == f_value);
        // From here on: what makes the above inductive.
        assert (valid[f_at] && f_data[2*f_at+:2] == f_value);
      end
      assert (f_held == f_fill);
    end
    cover (f_started && 32'(f_fill) == STAGES && f_waited && f_pop && f_push);
    cover (f_started && f_followed && f_pop && 32'(f_at) == STAGES - 1);
  end
