// net.0: reorder
  hpq_reorder #(
      .ATOM_W     (4),
      .SPLIT      (2),
      .WORDS      (3),
      .READS      (2),
      .BEATS      (3),
      .ZEROS      (1'b0),
      .WORD_W     (2),
      .PLACE_W    (1),
      .INDEX_FILE ("net_net_unit_index.mem"),
      .INDEX_STYLE("distributed"),
      .RAM_STYLE  ("distributed")
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  (x_out_data),
      .in_valid (x_out_valid),
      .in_ready (x_out_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );

// ==== rtl/net_net_unit_index.mem
25
13
01
