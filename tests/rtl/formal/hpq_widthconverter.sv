  // What hpq_widthconverter promises; stands at the end of a copy of the module.
  //
  // Any narrow beat, chosen when it goes in, is followed to its place in the wide one, or from it.
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  (* anyseq *) logic f_pick;
  logic               f_followed, f_waited, f_push, f_pop;
  logic [COUNT_W-1:0] f_fill;  // narrow beats inside
  assign f_push = in_valid && in_ready;
  assign f_pop  = out_valid && out_ready;
  always_ff @(posedge clk) f_waited <= !rst && out_valid && !out_ready;

  if (IN_LANES > OUT_LANES) begin : f_narrow
    (* anyconst *) logic [COUNT_W-1:0] part;  // of the wide beat
    logic [COUNT_W-1:0] ahead;
    logic [  OUT_W-1:0] value;
    logic [   WIDE-1:0] given;
    assign given = WIDE'(in_data);
    always_ff @(posedge clk) begin
      if (rst) f_fill <= '0;
      else f_fill <= f_fill - COUNT_W'(f_pop) + (f_push ? COUNT_W'(RATIO) : '0);
      if (rst) f_followed <= 1'b0;
      else if (f_followed && !(f_pop && ahead == '0)) ahead <= ahead - COUNT_W'(f_pop);
      else begin
        f_followed <= f_pick && f_push;
        ahead      <= part;
        value      <= given[part*OUT_W+:OUT_W];
      end
    end
    always_comb begin
      assume (32'(part) < RATIO);
      if (f_started) begin
        assert (32'(f_fill) <= RATIO);
        assert (in_ready == (f_fill == '0 || (f_fill == 1 && out_ready)));
        assert (out_valid == (f_fill != '0));
        if (f_waited) assert (out_valid);
        if (f_followed) assert (f_fill == COUNT_W'(RATIO) - part + ahead);
        if (f_followed && ahead == '0) assert (out_valid && out_data == value);
        // From here on: what makes the above inductive.
        if (f_followed) assert (ahead <= part);
        if (f_followed) assert (held[ahead*OUT_W+:OUT_W] == value);
      end
      cover (f_started && f_followed && f_waited && ahead == '0 && f_pop);
      if (RATIO <= 8) cover (f_started && f_followed && f_pop && f_push && f_fill == 1);
    end
    for (genvar s = 0; s < SLICES; s++) begin : f_slice
      logic [COUNT_W-1:0] left;
      assign left = narrow.slice[s].left;
      always_comb if (f_started) assert (left == f_fill);
    end
  end else begin : f_widen
    logic [COUNT_W-1:0] place, above;
    logic [   IN_W-1:0] value;
    always_ff @(posedge clk) begin
      if (rst) f_fill <= '0;
      else f_fill <= f_fill + COUNT_W'(f_push) - (f_pop ? COUNT_W'(RATIO) : '0);
      if (rst) f_followed <= 1'b0;
      else if (!f_followed || f_pop) begin
        f_followed <= f_pick && f_push;
        place      <= f_pop ? '0 : f_fill;
        value      <= in_data;
      end
    end
    assign above = COUNT_W'(RATIO) - f_fill + place;
    always_comb begin
      if (f_started) begin
        assert (32'(f_fill) <= RATIO);
        assert (in_ready == (32'(f_fill) != RATIO || out_ready));
        assert (out_valid == (32'(f_fill) == RATIO));
        if (f_waited) assert (out_valid);
        if (f_followed) assert (place < f_fill);
        if (f_followed && 32'(f_fill) == RATIO) assert (out_data[place*IN_W+:IN_W] == value);
        // From here on: what makes the above inductive.
        if (f_followed) assert (out_data[above*IN_W+:IN_W] == value);
      end
      if (RATIO <= 8) begin
        cover (f_started && f_followed && f_waited && f_pop && f_push);
        cover (f_started && f_followed && f_pop && !f_push && 32'(place) == RATIO - 1);
      end
      cover (f_started && f_followed && f_push && place == '0);
    end
    for (genvar s = 0; s < SLICES; s++) begin : f_slice
      logic [COUNT_W-1:0] filled;
      assign filled = widen.slice[s].filled;
      always_comb if (f_started) assert (filled == f_fill);
    end
  end
